// The dashboard asks for news every two seconds (see board_frame.html). This says when not to, and when it fails.
"use strict";

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden) event.preventDefault();
});

document.addEventListener("htmx:afterRequest", (event) => {
  document.getElementById("offline").hidden = event.detail.successful;
});
