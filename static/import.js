// Imports a folder: its list of files goes first, and the server says which of them it wants; those are sent one by one.
// What was broken off goes on where it stopped when the same folder is chosen again. A zip needs none of this.
"use strict";

const ATTEMPTS = 4, PAUSE_MS = 1500;
const part = (id) => document.getElementById(id);
const pathOf = (file) => file.webkitRelativePath || file.name;
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
let isSending = false;

function trouble(text) {
  part("import-trouble").textContent = text;
  part("import-trouble").hidden = false;
}

// On the form: nothing is sent that would be refused.
function refusal(words, archive, folder) {
  if (archive?.size > Number(words.maxArchive)) return words.archiveTooLarge;
  if (folder.length > Number(words.maxPhotos)) return words.tooMany;
  if (folder.reduce((sum, file) => sum + file.size, 0) > Number(words.maxBytes)) return words.tooLarge;
  return archive || folder.length ? "" : words.nothing;
}

async function submitted(event) {
  const form = event.target, folder = [...part("folder").files], [archive] = part("id_archive").files;
  const refused = refusal(form.dataset, archive, folder);
  if (refused || (!archive && folder.length)) event.preventDefault();
  if (refused) return trouble(refused);
  if (archive || !folder.length) return;
  form.elements.paths.value = JSON.stringify(folder.map(pathOf));
  try {
    const answer = await fetch(window.location.href, {method: "POST", body: new FormData(form)});
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    part("content-start").replaceWith(document.adoptNode(page.getElementById("content-start")));
    prepare();
    if (!part("arriving")) return;
    window.history.replaceState(null, "", answer.url);
  } catch {
    return trouble(form.dataset.unreachable);
  }
  await sendAll(folder);
}

// On the report: sends what the server still expects of these files.
async function sendAll(files) {
  const words = part("arriving").dataset, expected = JSON.parse(words.expected);
  const byPath = new Map(files.map((file) => [pathOf(file), file]));
  const found = expected.filter(([, path]) => byPath.has(path));
  isSending = true;
  part("sent").hidden = false;
  for (const [index, [number, path]] of found.entries()) {
    part("sent").value = index / found.length;
    part("sent-status").textContent = words.progress.replace("{done}", index).replace("{total}", found.length);
    const refused = await send(words, number, byPath.get(path));
    if (refused) {
      isSending = false;
      return trouble(refused);
    }
  }
  isSending = false;
  if (found.length === expected.length) part("start").requestSubmit();
  else window.location.reload();
}

async function send(words, number, file) {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    try {
      const body = new FormData();
      body.append("number", number);
      body.append("photo", file, file.name);
      const headers = {"X-CSRFToken": part("start").elements.csrfmiddlewaretoken.value};
      const answer = await fetch(words.photos, {method: "POST", body, headers, redirect: "error"});
      if (answer.ok) return "";
      if (answer.status === 413) return answer.text();
    } catch {
      // Tried again below.
    }
    await pause(attempt * PAUSE_MS);
  }
  return words.unreachable;
}

function prepare() {
  if (part("folder-row")) part("folder-row").hidden = false;
  part("import_form")?.addEventListener("submit", submitted);
  if (part("arriving")) part("folder").addEventListener("change", () => sendAll([...part("folder").files]));
}

window.addEventListener("beforeunload", (event) => { if (isSending) event.preventDefault(); });
prepare();
