// Copies text for the reader.

import { el } from "./dom.js";
import { t } from "./i18n.js";

/** Copy `text`, and have `button` say so for a moment; then it has its words again. */
export async function copyText(button, text) {
  const words = button.dataset.t ? () => t(button.dataset.t) : ((own) => () => own)(button.textContent);
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
  setTimeout(() => (button.textContent = words()), 1500);
}
