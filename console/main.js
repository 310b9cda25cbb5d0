// Starts the page, asks for the state every few seconds while the page is visible, and switches language,
// theme and view.

import { byId } from "./dom.js";
import { switchLanguage, t, translate } from "./i18n.js";
import { keep, recall } from "./storage.js";
import { clearDrawn, showOverview, showUnreachable } from "./overview.js";
import { showModels, showTexts, startPlayground } from "./playground.js";

const POLL_MS = 5000;
const THEMES = ["auto", "light", "dark"];

let state = null, token = "", timer = 0;

async function poll() {
  clearTimeout(timer);
  if (document.visibilityState !== "visible") return;
  try {
    const response = await fetch("/console/state", { headers: credentials() });
    if (response.status === 401) {
      token = "";
      byId("admin-error").textContent = t("wrongToken");
      return;
    }
    if (!response.ok) throw new Error(response.statusText);
    state = await response.json();
    show();
  } catch {
    showUnreachable();
  } finally {
    clearTimeout(timer);
    timer = setTimeout(poll, POLL_MS);
  }
}

function credentials() {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** Have the service do what the route at `path` stands for, and show what has become of it. */
async function act(path) {
  const told = byId("act-error");
  told.textContent = "";
  try {
    const response = await fetch(path, { method: "POST", headers: credentials() });
    if (!response.ok) told.textContent = (await response.json()).error.message;
  } catch {
    told.textContent = t("offline");
  }
  poll();
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
  poll();
});
byId("reload").addEventListener("click", () => act("/admin/reload"));
document.addEventListener("visibilitychange", poll);
document.addEventListener("answered", poll);
addEventListener("resize", show);

startPlayground();
applyTheme();
showView("playground");
applyLanguage();
poll();
