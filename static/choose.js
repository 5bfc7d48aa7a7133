// Choosing one of the names that were found fills the field in, and says that it is a person.
"use strict";

const typed = document.getElementById("id_face_id");
const isPerson = document.querySelector('input[name="who"][value="person"]');

typed.addEventListener("input", () => {
  isPerson.checked = true;
});

document.getElementById("names").addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-choose]");
  if (!chosen) return;
  typed.value = chosen.dataset.choose;
  isPerson.checked = true;
  typed.focus();
});
