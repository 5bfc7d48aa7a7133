// What every page does: tell the server the viewer's time zone, and stay quiet while nobody looks.
"use strict";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) document.cookie = `timezone=${zone}; path=/; max-age=31536000; samesite=lax`;

// Parts of pages ask for news every few seconds. This says when not to, and when it fails.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden) event.preventDefault();
});

document.addEventListener("htmx:afterRequest", (event) => {
  document.getElementById("offline").hidden = event.detail.successful;
});

// A form that filters what is below it keeps its choice in the address, for reloading and for sending to a colleague.
document.addEventListener("htmx:configRequest", (event) => {
  const form = event.detail.elt;
  if (!form.matches("form[data-address]")) return;
  for (const [name, value] of Object.entries(event.detail.parameters)) if (!value) delete event.detail.parameters[name];
  const query = new URLSearchParams(new FormData(form));
  for (const [name, value] of [...query]) if (!value) query.delete(name);
  history.replaceState(null, "", `?${query}`);
});
