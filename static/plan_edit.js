// Cameras on the plan and the numbers below it say the same: moving one changes the other.
"use strict";

const plan = document.querySelector(".plan.editing");
const EDGE = 15; // percent of the width, as on the plan that is shown (pages/plans.py)
const numbers = (camera) => ["x", "y"].map((axis) => document.getElementsByName(`${axis}-${camera.dataset.camera}`)[0]);
const within = (value) => Math.min(100, Math.max(0, Math.round(value * 10) / 10));

const show = (camera, index) => {
  const [x, y] = numbers(camera).map((input) => input.value);
  const isPlaced = x !== "" && y !== "";
  // What has no place yet waits in a row along the upper edge.
  camera.setAttribute("x", `${isPlaced ? within(x) : Math.min(95, 5 + 12 * index)}%`);
  camera.setAttribute("y", `${isPlaced ? within(y) : 5}%`);
  camera.setAttribute("opacity", isPlaced ? 1 : 0.6);
  const left = parseFloat(camera.getAttribute("x"));
  camera.classList.toggle("left", left < EDGE);
  camera.classList.toggle("right", left > 100 - EDGE);
};

const place = (camera, x, y) => {
  const inputs = numbers(camera);
  inputs[0].value = within(x);
  inputs[1].value = within(y);
  show(camera);
};

const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

for (const [index, camera] of [...(plan?.querySelectorAll(".camera") ?? [])].entries()) {
  show(camera, index);
  for (const input of numbers(camera)) input.addEventListener("input", () => show(camera, index));
  document.querySelector(`[data-clear="${camera.dataset.camera}"]`).addEventListener("click", () => {
    for (const input of numbers(camera)) input.value = "";
    show(camera, index);
  });
  camera.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    camera.setPointerCapture(event.pointerId);
    camera.focus();
  });
  camera.addEventListener("pointermove", (event) => {
    if (!camera.hasPointerCapture(event.pointerId)) return;
    const box = plan.getBoundingClientRect();
    place(camera, (100 * (event.clientX - box.left)) / box.width, (100 * (event.clientY - box.top)) / box.height);
  });
  camera.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const [x, y] = ["x", "y"].map((axis) => parseFloat(camera.getAttribute(axis)));
    place(camera, x + step[0], y + step[1]);
  });
}
