// Whether everything is as it must be, and how the feeds are doing.

import { open } from "/static/commands.js";
import { answer, card, el, number, table, text, time, wide } from "/static/core.js";

export const every = 30;

function alerts(health) {
  const waiting = Object.entries(health.alerts_waiting).map(([name, count]) => `${name} ${count}`).join(", ");
  const names = health.alerts_open.map((kind) => kind.replaceAll("_", " ")).join(", ");
  return card("Alerts", el("p", { class: `big ${names ? "bad" : "good"}` }, names || "none waits for you"),
    el("p", { class: "quiet" }, `on their way: ${waiting || "no channel is set up"}`),
    names ? el("button", { type: "button", onclick: () => open("ack") }, "Acknowledge") : null);
}

const machine = (health) => card("Process",
  el("p", {}, `version ${text(health.version)}, up ${number(health.up_s / 3600, 1)} h, ${number(health.rss_mb, 0)} MB`),
  el("p", { class: "quiet" }, `loop late by ${number(health.lag_s, 2)} s at most; ${text(health.inbox)} events wait; journal ${text(health.journal)}`));

export async function show(view) {
  const [doctor, status, health, told] = await Promise.all(["doctor", "status", "health", "events"].map((name) => answer(name)));
  view.replaceChildren(el("div", { class: "grid" },
    card("Doctor", el("p", { class: `big ${doctor.healthy ? "good" : "bad"}` }, doctor.healthy ? "healthy" : `wrong: ${doctor.wrong.join(", ")}`),
      el("p", { class: "quiet" }, doctor.unknown.length ? `unknown: ${doctor.unknown.join(", ")}` : "everything could be checked")),
    card("Run", el("p", {}, `run ${status.run_id}, ${status.mode}: ${status.mode_reason}`),
      el("p", { class: "quiet" }, `account stream ${status.user_stream_live ? "live" : "down"}`)),
    machine(health), alerts(health),
    wide("Newest notices", table("What was told in this run, the newest first", ["When", "Severity", "Kind", "What"],
      told.events.slice(0, 12).map((row) => [time(row.at), row.severity, row.kind.replaceAll("_", " "), row.text]), "Nothing was told in this run yet.")),
    wide("Checks", table("What was checked", ["Check", "Found", "What to do"], doctor.checks.map((check) => [
      el("span", { class: check.ok ? "good" : check.ok === false ? "bad" : "warn" }, check.name), text(check.found), check.ok ? "" : check.remedy]))),
    wide("Feeds", table("Every venue heard", ["Venue", "State", "#Frames/s", "#Gaps", "#Reconnects", "#Unreadable", "Liquidations"],
      status.venues.map((venue) => [venue.venue, venue.live ? "live" : text(venue.reason), number(venue.frames_per_s, 1), venue.gaps, venue.reconnects, venue.unreadable, text(venue.liquidations)])))));
}
