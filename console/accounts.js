// Accounts and keys of the overview: how they stand, and what the administrator does with them.

import { el } from "./dom.js";
import { meter, moment, table } from "./elements.js";
import { number, t } from "./i18n.js";
import { told } from "./meanings.js";

const STATES = { ok: "", cooling: "warn", needs_person: "off", disabled: "none", no_credential: "off" };
const FEW = 6;
const KEY_STATES = { ok: "", expired: "none", unknown: "off" };

/** All accounts, each with a button that calls `act` with the path of a route. */
export function accountsTable(accounts, act) {
  if (accounts.length === 0) return [el("p", { class: "note" }, t("noAccounts"))];
  const rows = accounts.map((account) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, account.alias, about([account.plan, account.note])),
      el("td", {}, state(STATES, account.state), why(account), ...resting(account), button(account, act)),
      el("td", {}, ...spent(account), account.in_use ? reason(t("underWay", { count: number(account.in_use) })) : null),
    ),
  );
  return [table([t("account"), t("state"), t("used")], rows)];
}

/** All keys of this service. */
export function keysTable(keys) {
  if (keys.length === 0) return [el("p", { class: "note" }, t("noKeys"))];
  const rows = keys.map((key) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, key.alias, reason(t("mayUse", { accounts: few(key.accounts) || "–" }))),
      el(
        "td",
        {},
        state(KEY_STATES, key.state),
        key.expires_at ? reason(t("expires", { when: moment(key.expires_at) })) : null,
        key.models.length ? reason(t("only", { models: few(key.models) })) : null,
      ),
      el("td", {}, ...spent(key)),
    ),
  );
  return [table([t("key"), t("state"), t("used")], rows)];
}

/** Meters of the units of today and of the GPT-4 messages. */
function spent({ alias, units_today: units, units_limit: unitsLimit, window_messages: messages, window_limit: messagesLimit }) {
  return [
    meter(t("unitsToday"), units, unitsLimit, null, `${alias}: ${t("unitsToday")}`),
    meter(t("windowed"), messages, messagesLimit, null, `${alias}: ${t("windowed")}`),
  ];
}

/** The names, or the first of them and how many more there are. */
function few(names) {
  const more = names.length - FEW;
  return names.slice(0, FEW).join(", ") + (more > 0 ? ` ${t("andMore", { count: number(more) })}` : "");
}

function state(kinds, name) {
  return el("span", { class: `state ${kinds[name]}` }, t(`state-${name}`));
}

function reason(text) {
  return el("div", { class: "reason" }, text);
}

function about(texts) {
  const known = texts.filter(Boolean);
  return known.length ? reason(known.join(" · ")) : null;
}

/** Why the account is as it is, since when, and until when. */
function why({ state, reason: fault, problem, since, until }) {
  if (state === "no_credential") return problem ? reason(told(problem)) : null;
  if (!fault) return null;
  const known = [t(`fault-${fault}`)];
  if (since) known.push(t("since", { when: moment(since) }));
  if (until * 1000 > Date.now()) known.push(t(state === "needs_person" ? "triedAgain" : "until", { when: moment(until) }));
  return reason(known.join(" · "));
}

function resting({ resting_models, resting_features }) {
  return [...resting_models, ...resting_features].map(({ name, until }) =>
    reason(t("rests", { name, when: moment(until) })),
  );
}

function button({ alias, enabled }, act) {
  const action = enabled ? "disable" : "enable";
  const name = `${t(action)}: ${alias}`;
  return el(
    "button",
    {
      type: "button", class: "small", "aria-label": name, "data-keeps-focus": alias,
      click: () => act(`/admin/accounts/${encodeURIComponent(alias)}/${action}`),
    },
    t(action),
  );
}
