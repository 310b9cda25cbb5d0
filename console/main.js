// Starts the page, follows what the service tells while the page is visible, and switches language, theme and
// view. Who may see all is told it by the feed; others see what is public, which is asked for now and then.

import { byId } from "./dom.js";
import { switchLanguage, t, translate } from "./i18n.js";
import { Feed } from "./live.js";
import { why } from "./meanings.js";
import { clearDrawn, passTime, showOverview, showUnreachable } from "./overview.js";
import { takeRequests } from "./requests.js";
import { keep, recall } from "./storage.js";
import { showModels, showTexts, startPlayground } from "./playground.js";

const PUBLIC_PAUSE_MS = 30_000;
const SECOND_MS = 1000;
const THEMES = ["auto", "light", "dark"];

let state = null, token = "", timer = 0;

const feed = new Feed(take, (pause) => {
  if (visible()) refreshAfter(pause);
});

/** Ask for the state, show it, and follow the feed if that is permitted. */
async function refresh() {
  clearTimeout(timer);
  if (!visible()) return;
  try {
    const response = await fetch("/console/state", { headers: credentials() });
    if (response.status === 401) {
      token = "";
      byId("admin-error").textContent = t("wrongToken");
      refreshAfter(PUBLIC_PAUSE_MS);
      return;
    }
    if (!response.ok) throw new Error(response.statusText);
    state = await response.json();
    show();
  } catch {
    showUnreachable();
  }
  if (state?.access === "granted") feed.follow(credentials());
  else refreshAfter(PUBLIC_PAUSE_MS);
}

function refreshAfter(pause) {
  clearTimeout(timer);
  timer = setTimeout(refresh, pause);
}

/** Take an event of the feed; null when it begins. */
function take(event) {
  if (event?.type === "state") state = event.state;
  else takeRequests(event);
  if (event?.type === "requests") Object.assign(state.details, { in_flight: event.in_flight, queued: event.queued });
  if (event) show();
}

/** A page that nobody sees asks for nothing. */
function look() {
  if (!visible()) {
    clearTimeout(timer);
    feed.leave();
  } else if (state?.access === "granted") feed.follow(credentials());
  else refresh();
}

const visible = () => document.visibilityState === "visible";

function credentials() {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** Have the service do what the route at `path` stands for, and show what has become of it. */
async function act(path) {
  const told = byId("act-error");
  told.textContent = "";
  try {
    const response = await fetch(path, { method: "POST", headers: credentials() });
    if (!response.ok) told.replaceChildren(...(await reasons(response)));
  } catch {
    told.textContent = t("offline");
  }
  refresh();
}

/** Why the service has refused something. */
async function reasons(response) {
  const { error } = await response.json();
  return why(error.code, error.message);
}

function show() {
  if (!state) return;
  showOverview(state, act);
  showModels(state);
}

function applyLanguage() {
  translate();
  showTexts();
  const button = byId("language");
  button.textContent = t("other");
  button.setAttribute("aria-label", t("otherLabel"));
  byId("theme").textContent = t(theme);
  byId("theme").setAttribute("aria-label", `${t("theme")}: ${t(theme)}`);
  clearDrawn();
  show();
}

let theme = recall("pandora-theme") ?? "auto";

function applyTheme() {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function showView(name) {
  document.body.dataset.view = name;
  for (const button of document.querySelectorAll("[data-show]")) {
    button.setAttribute("aria-pressed", button.dataset.show === name);
  }
  show();
}

byId("language").addEventListener("click", () => {
  switchLanguage();
  applyLanguage();
});
byId("theme").addEventListener("click", () => {
  theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  keep("pandora-theme", theme);
  applyTheme();
  applyLanguage();
});
for (const button of document.querySelectorAll("[data-show]")) {
  button.addEventListener("click", () => showView(button.dataset.show));
}
byId("admin").addEventListener("submit", (event) => {
  event.preventDefault();
  token = byId("token").value.trim();
  byId("token").value = byId("admin-error").textContent = "";
  refresh();
});
byId("reload").addEventListener("click", () => act("/admin/reload"));
document.addEventListener("visibilitychange", look);
document.addEventListener("answered", refresh);
addEventListener("resize", show);

startPlayground();
applyTheme();
showView("playground");
applyLanguage();
refresh();
setInterval(() => visible() && passTime(), SECOND_MS);
