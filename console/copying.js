// Copies text for the reader.

import { el } from "./dom.js";
import { t } from "./i18n.js";

/** Copy `text`, and have `button` say so for a moment. */
export async function copyText(button, text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https there is no clipboard API; the old command copies the selection.
    const field = el("textarea", { class: "hidden", readonly: "" }, text);
    button.after(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  button.textContent = t("copied");
  setTimeout(() => (button.textContent = t(button.dataset.t)), 1500);
}
