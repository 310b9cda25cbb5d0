// What was spent today, by key and account.

import { el } from "./dom.js";
import { table } from "./elements.js";
import { number, t } from "./i18n.js";

/** Keys with the accounts that they used, who spent most first. */
export function spendersTable(spenders) {
  if (spenders.length === 0) return [el("p", { class: "note" }, t("nothingSpent"))];
  const rows = spenders.map(({ key, account, units, conversations, prompt_tokens: prompt, completion_tokens: completion }) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, key || "–"),
      el("td", {}, account || "–"),
      el("td", { class: "number" }, number(conversations)),
      el("td", { class: "number aside" }, t("inAndOut", { prompt: number(prompt), completion: number(completion) })),
      el("td", { class: "number" }, number(units)),
    ),
  );
  return [table([t("key"), t("account"), [t("messages"), "number"], [t("tokensShort"), "number aside"], [t("units"), "number"]], rows)];
}
