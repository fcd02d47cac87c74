// Chooses the view, keeps the stream of events open, and reconnects by itself.

import { get, settings, trouble } from "/static/core.js";
import * as overview from "/static/overview.js";
import * as market from "/static/market.js";
import * as risk from "/static/risk.js";
import * as journal from "/static/journal.js";
import * as lab from "/static/lab.js";
import * as health from "/static/health.js";

const VIEWS = { overview, market, risk, journal, lab, health };
const view = document.getElementById("view");
let state = null;
let shown = null;

function chosen() {
  const name = location.hash.slice(1).split("/")[0];
  return name in VIEWS ? name : "overview";
}

async function show() {
  const name = chosen();
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `Breakwater: ${name}`;
  shown = name;
  view.replaceChildren();
  view.dataset.view = name;
  try {
    await VIEWS[name].show(view, state);
  } catch (error) {
    if (shown === name) view.replaceChildren(trouble(error));
  }
}

function told(document_) {
  state = document_;
  const status = document_.status;
  const badge = document.getElementById("mode");
  badge.textContent = status.latched ? "HALTED, latched" : status.mode;
  badge.className = `badge ${status.mode === "ACTIVE" ? "good" : status.mode === "HALTED" ? "bad" : "warn"}`;
  badge.title = status.mode_reason;
  document.getElementById("link").textContent = status.mode_reason;
  document.documentElement.dataset.at = status.as_of;
  if (shown && VIEWS[shown].update) VIEWS[shown].update(view, state);
}

function listen() {
  const source = new EventSource("/api/v1/stream");
  source.addEventListener("state", (event) => told(JSON.parse(event.data)));
  source.addEventListener("error", () => {
    document.getElementById("link").textContent = "no connection to the bot; trying again";
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  });
}

function theme() {
  const root = document.documentElement;
  const kept = localStorage.getItem("theme");
  if (kept) root.dataset.theme = kept;
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
    show();
  });
}

async function begin() {
  theme();
  const [session, page] = await Promise.all([get("session"), get("page")]);
  Object.assign(settings, page, { csrf: session.csrf });
  document.getElementById("zone").textContent = `Times are ${settings.time_zone}.`;
  listen();
  addEventListener("hashchange", async () => { await show(); view.focus({ preventScroll: true }); scrollTo(0, 0); });
  await show();
}

begin().catch((error) => view.replaceChildren(trouble(error)));
