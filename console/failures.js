// A request that failed, in words.

import { el } from "./dom.js";
import { choose, t } from "./i18n.js";
import { meaning, why } from "./meanings.js";

/** What is said of a ChatError, or of a connection that could not be made. */
export function failureText({ status, code, message }) {
  if (status === undefined) return t("offline");
  return choose("", meaning(code)) || message || t("cutShort");
}

/** The same as an element, with what helps to find out more. `begun`: some of an answer came before; `model` was asked. */
export function failure(error, begun, model) {
  const { status, code, message, retryAfter } = error;
  return el(
    "div",
    { class: "failure" },
    el("strong", {}, t(begun ? "brokeOff" : "failed")),
    el("p", {}, status === undefined ? t("offline") : why(code, message, t("cutShort"))),
    retryAfter ? el("p", {}, retry(retryAfter)) : null,
    el("p", { class: "muted small" }, [status, code, model].filter(Boolean).join(" · ")),
  );
}

function retry(seconds) {
  return seconds < 120 ? t("retryAfter", { n: seconds }) : t("retryMinutes", { n: Math.ceil(seconds / 60) });
}
