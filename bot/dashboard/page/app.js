// Chooses the view, keeps the stream of events open, and reconnects by itself.

import { get, settings, time, trouble } from "/static/core.js";
import * as overview from "/static/overview.js";

const NAMES = ["overview", "market", "risk", "journal", "lab", "health"];
const VIEWS = { overview }; // the others are fetched when they are looked at, or when nothing else is to do
const view = document.getElementById("view");
const SILENCE_MS = 25_000;
let state = null;
let shown = null;
let source = null;
let heard = 0;

function chosen() {
  const name = location.hash.slice(1).split("/")[0];
  return NAMES.includes(name) ? name : "overview";
}

async function loaded(name) {
  VIEWS[name] ??= await import(`/static/${name}.js`);
  return VIEWS[name];
}

async function fetchRest() {
  for (const name of NAMES) await loaded(name).catch(() => {}); // tried again when it is looked at
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
  view.dataset.drawn = Date.now();
  try {
    const part = await loaded(name);
    if (shown === name) await part.show(view, state);
  } catch (error) {
    if (shown === name) view.replaceChildren(trouble(error));
  }
}

async function refresh() {
  const name = shown, busy = document.hidden || document.getElementById("ask").open || view.contains(document.activeElement);
  const every = VIEWS[name]?.every;
  if (!every || busy || document.body.dataset.stale || Date.now() - Number(view.dataset.drawn) < every * 1000) return;
  view.dataset.drawn = Date.now();
  try { await VIEWS[name].show(view, state); } catch { /* the stream tells what is wrong */ }
}

function stale(why) {
  const since = heard ? `What you see is as of ${time(state.status.as_of)}.` : "Nothing was heard yet.";
  const badge = document.getElementById("mode");
  document.body.dataset.stale = "yes";
  badge.textContent = "NO CONNECTION";
  badge.className = "badge bad";
  document.getElementById("link").textContent = `${why}; trying again. ${since} Stops rest at the venue.`;
}

function watch() {
  if (Date.now() - heard > SILENCE_MS && source) {
    stale("the bot is silent");
    source.close();
    listen();
  }
  refresh();
}

function told(document_) {
  state = document_;
  heard = Date.now();
  delete document.body.dataset.stale;
  const status = document_.status;
  const badge = document.getElementById("mode");
  badge.textContent = status.latched ? "HALTED, latched" : status.mode;
  badge.className = `badge ${status.mode === "ACTIVE" ? "good" : status.mode === "HALTED" ? "bad" : "warn"}`;
  badge.title = status.mode_reason;
  document.getElementById("link").textContent = status.mode_reason;
  document.documentElement.dataset.at = status.as_of;
  if (shown && VIEWS[shown]?.update) VIEWS[shown].update(view, state);
}

function listen() {
  const opened = source = new EventSource("/api/v1/stream");
  opened.addEventListener("state", (event) => told(JSON.parse(event.data)));
  opened.addEventListener("error", async () => {
    stale("no connection to the bot");
    if (opened.readyState !== EventSource.CLOSED) return;
    const again = await fetch("/api/v1/session").catch(() => null);
    if (again?.status === 401) location.assign("/login");
    else setTimeout(() => { if (source === opened) listen(); }, 2000);
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
  listen(); // the bot takes longest over its first state: it is asked for beside the rest
  const [session, page] = await Promise.all([get("session"), get("page")]);
  Object.assign(settings, page, { csrf: session.csrf });
  document.getElementById("zone").textContent = `Times are ${settings.time_zone}.`;
  setInterval(watch, 1000);
  addEventListener("hashchange", async () => { await show(); view.focus({ preventScroll: true }); scrollTo(0, 0); });
  await show();
  setTimeout(fetchRest, 1500);
}

begin().catch((error) => view.replaceChildren(trouble(error)));
