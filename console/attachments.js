// Pictures and files for the next question. Each is stored under /v1/files as soon as it is chosen; the question then names
// it by its id, so that a conversation does not send it again with each turn.

import { byId, el } from "./dom.js";
import { t } from "./i18n.js";

const PICTURE = /^image\/(?:png|jpeg|gif|webp)$/;
const MAX_PREVIEW_BYTES = 4_000_000;

let items = []; // {name, isPicture, preview, id, problem, node}; `id` once it is stored, `problem` if it was refused

/** Let the user choose files; `connection` gives `{base, key}`, or null where a key is missing. */
export function startAttachments(connection) {
  const input = byId("files");
  byId("attach").addEventListener("click", () => connection() && input.click());
  input.addEventListener("change", () => {
    for (const file of input.files) add(file, connection());
    input.value = "";
  });
}

/** What is attached, if all of it is stored; null while something is on its way or was refused. */
export function attached() {
  return items.every((item) => item.id) ? items : null;
}

/** The next question has nothing attached. */
export function clearAttachments() {
  items = [];
  byId("attached").replaceChildren();
}

/** A question as the API takes it. */
export function contentOf(text, attachments) {
  if (attachments.length === 0) return text;
  const parts = attachments.map(({ id, isPicture }) =>
    isPicture ? { type: "image_file", image_file: { file_id: id } } : { type: "file", file: { file_id: id } },
  );
  return text ? [...parts, { type: "text", text }] : parts;
}

async function add(file, { base, key }) {
  const item = { name: file.name, isPicture: PICTURE.test(file.type), preview: "", id: "", problem: "", node: el("li") };
  items.push(item);
  byId("attached").append(item.node);
  show(item);
  try {
    if (item.isPicture && file.size <= MAX_PREVIEW_BYTES) item.preview = await dataUrl(file);
    const form = new FormData();
    form.append("purpose", item.isPicture ? "vision" : "user_data");
    form.append("file", file);
    const response = await fetch(`${base}/files`, { method: "POST", headers: { Authorization: `Bearer ${key}` }, body: form });
    const stored = await response.json();
    if (response.ok) item.id = stored.id;
    else item.problem = stored.error.message;
  } catch {
    item.problem = t("offline");
  }
  show(item);
}

function show(item) {
  const remove = () => {
    items = items.filter((other) => other !== item);
    item.node.remove();
  };
  const button = el("button", { type: "button", class: "quiet", "aria-label": t("removeFile", { name: item.name }), click: remove }, "×");
  const state = item.problem ? el("span", { class: "error" }, item.problem) : item.id ? null : el("span", { class: "muted" }, t("storing"));
  item.node.replaceChildren(...[preview(item), el("span", { class: "name" }, item.name), state, button].filter(Boolean));
}

/** A small picture of what is attached; null for what is none. */
export function preview({ preview, name }) {
  return preview ? el("img", { src: preview, alt: name }) : null;
}

function dataUrl(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
