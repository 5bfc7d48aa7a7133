// Photos on a person's form: each is sent and judged by itself while the page stays open. Without this script the form
// sends them all when it is saved.
"use strict";

const AT_ONCE = 2; // the server looks at one photo at a time in each of its processes
const waiting = []; // {file, card}
let sending = 0, done = 0, total = 0, accepted = 0, stream = null;

const form = () => document.getElementById("person_form");
const area = () => document.getElementById("enrolment");
const part = (id) => document.getElementById(id);

function show(card, heading, name, text) {
  const title = document.createElement("strong"), file = document.createElement("span"), line = document.createElement("p");
  title.textContent = heading;
  file.textContent = name;
  file.className = "file";
  line.append(title, " ", file);
  card.replaceChildren(line);
  if (!text) return;
  const explanation = document.createElement("p");
  explanation.textContent = text;
  card.append(explanation);
}

function fail(card, name, text) {
  card.className = "refused";
  show(card, area().dataset.notAdded, name, text);
}

function say() {
  const bar = part("photos-progress"), words = area().dataset.progress;
  bar.hidden = total < 2 || done === total;
  bar.max = total;
  bar.value = done;
  part("photos-status").textContent = words.replace("{done}", done).replace("{total}", total).replace("{accepted}", accepted);
}

function add(files) {
  const list = part("photos");
  list.querySelector(".none")?.remove();
  for (const file of [...files].reverse()) { // the first one is to stand on top, and is sent first
    const card = document.createElement("li");
    card.className = "waiting";
    show(card, area().dataset.waiting, file.name);
    list.prepend(card);
    waiting.push({file, card});
    total += 1;
  }
  work();
}

async function work() {
  if (!waiting.length || sending >= AT_ONCE) return;
  if (!area().dataset.url) {
    // Nobody's photo is looked at before the person and the legal basis are recorded.
    if (sending) return;
    sending += 1;
    const saved = await savePerson();
    sending -= 1;
    if (!saved) return;
  }
  say();
  while (waiting.length && sending < AT_ONCE) send(waiting.pop());
}

async function send({file, card}) {
  sending += 1;
  try {
    await judge(file, card);
  } catch {
    fail(card, file.name, area().dataset.unreachable);
  }
  sending -= 1;
  done += 1;
  say();
  work();
}

async function judge(file, card) {
  const words = area().dataset;
  if (file.size > Number(words.maxBytes)) return fail(card, file.name, words.tooLarge);
  const body = new FormData();
  body.append("photo", file, file.name);
  const headers = {"X-CSRFToken": form().elements.csrfmiddlewaretoken.value};
  const answer = await fetch(words.url, {method: "POST", body, headers});
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const verdict = page.querySelector("body > li");
  if (verdict) {
    card.replaceWith(document.adoptNode(verdict));
    if (verdict.classList.contains("accepted")) accepted += 1;
  } else {
    fail(card, file.name, answer.redirected ? words.loggedOut : page.querySelector("main p")?.textContent ?? words.unreachable);
  }
}

// Saves the form of a new person and goes on in that of the saved one. False: something in it has to be mended first.
async function savePerson() {
  const status = part("photos-status");
  status.textContent = area().dataset.unsaved;
  if (!form().reportValidity()) return false;
  const body = new FormData(form());
  body.append("_continue", "1");
  let answer, page;
  try {
    answer = await fetch(window.location.href, {method: "POST", body});
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    status.textContent = area().dataset.unreachable;
    return false;
  }
  const main = page.getElementById("content-start");
  if (!page.getElementById("enrolment")) {
    status.textContent = answer.redirected ? area().dataset.loggedOut : area().dataset.unreachable;
    return false;
  }
  const saved = Boolean(page.getElementById("enrolment").dataset.url);
  stop();
  part("content-start").replaceWith(document.adoptNode(main));
  document.querySelector(".breadcrumbs")?.replaceWith(document.adoptNode(page.querySelector(".breadcrumbs")));
  if (saved) {
    window.history.replaceState(null, "", answer.url);
    document.title = page.title;
  }
  part("photos").querySelector(".none")?.remove();
  for (const {card} of waiting) part("photos").prepend(card);
  prepare();
  if (!saved) part("photos-status").textContent = area().dataset.unsaved;
  return saved;
}

// The webcam

async function start() {
  const words = area().dataset, trouble = part("webcam-trouble");
  trouble.hidden = true;
  try {
    if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
    stream = await navigator.mediaDevices.getUserMedia({video: {width: {ideal: 1280}, facingMode: "user"}});
  } catch (error) {
    const because = {SecurityError: words.noCamera, NotAllowedError: words.refusedCamera, NotFoundError: words.missingCamera};
    trouble.textContent = because[error.name] ?? words.busyCamera;
    trouble.hidden = false;
    return;
  }
  part("webcam-video").srcObject = stream;
  part("webcam-live").hidden = false;
  part("webcam-start").hidden = true;
  part("webcam-take").focus();
}

function stop() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  part("webcam-live").hidden = true;
  part("webcam-start").hidden = false;
}

async function take() {
  const video = part("webcam-video"), canvas = document.createElement("canvas");
  await new Promise((shown) => video.requestVideoFrameCallback(shown)); // until the first picture is there, it is black
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  const name = `webcam ${new Date().toLocaleTimeString()}.jpg`;
  canvas.toBlob((blob) => add([new File([blob], name, {type: "image/jpeg"})]), "image/jpeg", 0.95);
}

function prepare() {
  const input = part("id_photos");
  if (!input) return; // may only be looked at
  input.addEventListener("change", () => {
    const files = [...input.files];
    input.value = ""; // they are sent now, not again with the form
    add(files);
  });
  part("webcam").hidden = false;
  part("webcam-start").addEventListener("click", start);
  part("webcam-take").addEventListener("click", take);
  part("webcam-stop").addEventListener("click", () => { stop(); part("webcam-start").focus(); });
}

document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  area().classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) area().classList.remove("over");
});
document.addEventListener("drop", (event) => {
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  area().classList.remove("over");
  add(event.dataTransfer.files);
});
window.addEventListener("beforeunload", (event) => {
  if (sending || waiting.length) event.preventDefault();
});
document.addEventListener("submit", (event) => {
  if (event.target !== form()) return;
  if (!area().dataset.url && waiting.length) {
    // Saving is what the photos wait for.
    event.preventDefault();
    work();
  }
});
prepare();
