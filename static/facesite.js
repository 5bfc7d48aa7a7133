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
