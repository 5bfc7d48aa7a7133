// Buttons that copy a text of the page: data-copy names the element, data-copied says that it is done.
"use strict";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.querySelector("span").textContent = button.dataset.copied;
  } catch {
    // Without TLS browsers give no clipboard: what is selected can be copied by hand.
    getSelection().selectAllChildren(source);
  }
});
