// Whether everything is as it must be, and how the feeds are doing.

import { answer, card, el, number, table, text, wide } from "/static/core.js";

export async function show(view) {
  const [doctor, status] = await Promise.all([answer("doctor"), answer("status")]);
  view.replaceChildren(el("div", { class: "grid" },
    card("Doctor", el("p", { class: `big ${doctor.healthy ? "good" : "bad"}` }, doctor.healthy ? "healthy" : `wrong: ${doctor.wrong.join(", ")}`),
      el("p", { class: "quiet" }, doctor.unknown.length ? `unknown: ${doctor.unknown.join(", ")}` : "everything could be checked")),
    card("Run", el("p", {}, `run ${status.run_id}, ${status.mode}: ${status.mode_reason}`),
      el("p", { class: "quiet" }, `account stream ${status.user_stream_live ? "live" : "down"}`)),
    wide("Checks", table("What was checked", ["Check", "Found", "What to do"], doctor.checks.map((check) => [
      el("span", { class: check.ok ? "good" : check.ok === false ? "bad" : "warn" }, check.name), text(check.found), check.ok ? "" : check.remedy]))),
    wide("Feeds", table("Every venue heard", ["Venue", "State", "#Frames/s", "#Gaps", "#Reconnects", "#Unreadable", "Liquidations"],
      status.venues.map((venue) => [venue.venue, venue.live ? "live" : text(venue.reason), number(venue.frames_per_s, 1), venue.gaps, venue.reconnects, venue.unreadable, text(venue.liquidations)])))));
}
