// "Connect your client": the lines that each client is told, with the address of this page and the chosen model.

import { clients } from "./clients.js";
import { codeFigure } from "./code.js";
import { byId, el } from "./dom.js";
import { t } from "./i18n.js";

const PLACEHOLDER = "fk-your-key";
const WORDS = ["variables", "fields", "ofService"]; // names of parts that are no names of files

/** Open the dialog by its button; `connection` gives `{address, key, model}`. */
export function startConnect(connection) {
  const dialog = byId("connect"), choice = byId("client");
  const show = () => {
    const { address, key, model } = connection();
    const shownKey = byId("show-key").checked && key ? key : PLACEHOLDER;
    const models = [...byId("model").options].map((option) => option.value);
    const all = clients({ address, key: shownKey, model, models });
    const { parts } = all.find(({ name }) => name === choice.value) ?? all[0];
    if (choice.options.length === 0) choice.append(...all.map(({ name }) => el("option", {}, name)));
    const figures = parts.map(({ file, text }) => codeFigure(WORDS.includes(file) ? t(file) : file, text));
    byId("client-lines").replaceChildren(...figures);
  };
  byId("open-connect").addEventListener("click", () => {
    byId("show-key").checked = false;
    show();
    dialog.showModal();
  });
  for (const id of ["client", "show-key"]) byId(id).addEventListener("input", show);
  byId("close-connect").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => !dialog.open && byId("client-lines").replaceChildren());
}
