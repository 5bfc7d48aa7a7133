// People walk across the plan to the camera that saw them last, instead of jumping there.
"use strict";

const where = new Map();
const still = matchMedia("(prefers-reduced-motion: reduce)");

document.addEventListener("htmx:beforeSwap", () => {
  where.clear();
  for (const pin of document.querySelectorAll(".pin")) where.set(pin.dataset.person, pin.getBoundingClientRect());
});

document.addEventListener("htmx:afterSwap", () => {
  if (still.matches) return;
  for (const pin of document.querySelectorAll(".pin")) {
    const before = where.get(pin.dataset.person);
    const now = pin.getBoundingClientRect();
    if (!before) pin.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 500 });
    else if (before.x !== now.x || before.y !== now.y) {
      const from = `translate(${before.x - now.x}px, ${before.y - now.y}px)`;
      pin.animate([{ transform: from }, { transform: "none" }], { duration: 900, easing: "ease-in-out" });
    }
  }
});

for (const form of document.querySelectorAll("form[data-go]")) {
  const select = form.querySelector("select");
  select.addEventListener("change", () => location.assign(select.value));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    location.assign(select.value);
  });
}
