// A slider's position says nothing by itself: to those who hear the page it is called by the rate that it stands for.
"use strict";

const slider = document.getElementById("step");
const call = () => slider.setAttribute("aria-valuetext", document.querySelector(`#rates option[value="${slider.value}"]`).label);
if (slider) {
  slider.addEventListener("input", call);
  call();
}
