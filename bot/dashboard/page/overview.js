// How the account stands: money, threat, positions, budget, and what happens next at which price.

import { buttons } from "/static/commands.js";
import { card, el, known, number, percent, price, table, text, usd, wide } from "/static/core.js";

const ARC = 157;

function dial(market) {
  const threat = market.threat;
  const told = known(threat) ? `Threat ${threat} of 5, ${market.threat_word}` : "Threat unknown";
  const share = known(threat) ? threat / 5 : 0;
  const tone = !known(threat) ? "var(--quiet)" : threat >= 4 ? "var(--bad)" : threat === 3 ? "var(--warn)" : "var(--good)";
  const box = el("div");
  box.innerHTML = `<svg viewBox="0 0 120 70" width="180" role="img" aria-label="${told}">
    <path d="M10 60a50 50 0 0 1 100 0" fill="none" stroke="var(--fill)" stroke-width="12"/>
    <path d="M10 60a50 50 0 0 1 100 0" fill="none" stroke="${tone}" stroke-width="12" stroke-dasharray="${ARC * share} ${ARC}"/>
    <text x="60" y="58" text-anchor="middle" font-size="26" font-weight="700" fill="currentColor">${known(threat) ? Number(threat) : "?"}</text></svg>`;
  const details = known(market.judged_at)
    ? [el("p", {}, told), el("p", { class: "quiet" },
        `Pulse ${number(market.pulse, 0)}, Stress ${number(market.stress, 0)}; against shorts ${text(market.threat_short)}`),
      el("p", { class: "quiet" }, market.evidence?.[0] ?? "")]
    : [el("p", { class: "quiet" }, "not judged yet")];
  return card(market.symbol, box, ...details);
}

function money(status) {
  return card("Equity",
    el("p", { class: "big", id: "equity" }, usd(status.equity_usd)),
    el("p", { class: "quiet" }, `open result ${usd(status.upnl_usd)}, today ${usd(status.day_result_usd)}`),
    el("p", { class: "quiet" }, `peak ${usd(status.high_water_usd)}, below it ${percent(status.drawdown_frac)}`));
}

function budget(risk) {
  const left = known(risk.budget_left_frac) ? Math.max(0, risk.budget_left_frac) : null;
  const share = known(left) ? Math.min(1, left / risk.floor_frac) : 0;
  const bar = el("div", { class: "bar", role: "img", "aria-label": `Loss budget left: ${percent(left)} of equity` },
    el("i", { style: `width:${share * 100}%` }));
  return card("Loss budget", el("p", { class: "big" }, usd(risk.budget_left_usd)), bar,
    el("p", { class: "quiet" }, `${text(risk.profile)}: floor at ${usd(risk.floor_usd)}, enforce ${risk.enforce}`),
    el("p", { class: "quiet" }, `exposure ${usd(risk.exposure.gross_usd)}, ${number(risk.exposure.leverage)}x; heat ${percent(risk.trades.heat_frac)} of ${percent(risk.trades.heat_max_frac)}`));
}

function protection(status) {
  const bare = status.unprotected.length;
  const word = !status.reconciled ? "account not read" : bare ? `${bare} without a full stop`
    : status.positions ? "every position has its stop" : "nothing is held";
  return card("Protection", el("p", { class: `big ${bare || !status.reconciled ? "bad" : "good"}` }, word),
    el("p", { class: "quiet" }, `${status.stops_working} stops working, ${status.entries_pending} entries under way`),
    el("p", { class: "quiet" }, `account read ${number(status.account_age_s, 1)} s ago`));
}

function stopUnits(leg) {
  const both = known(leg.liq_distance_frac) && Number(leg.stop_distance_frac) > 0;
  return both ? `${number(leg.liq_distance_frac / leg.stop_distance_frac, 1)} stops` : "";
}

function liquidation(leg) {
  if (leg.liq_exists === false) return ["none above zero", "no price liquidates it"];
  return [price(leg.liq_price_venue ?? leg.liq_price_own), `${percent(leg.liq_distance_frac)} ${stopUnits(leg)}`];
}

function positions(rows) {
  const heads = ["Position", "#Quantity", "#Entry", "#Mark", "#Open result", "#Stop", "#Liquidation", "#Way to it"];
  return wide("Positions", table("Positions with stop and liquidation", heads, rows.map((leg) => [
    el("span", { class: leg.protected ? "good" : "bad" }, `${leg.symbol} ${leg.side}`),
    leg.qty, price(leg.entry_price), price(leg.mark), usd(leg.upnl_usd), price(leg.stop_price),
    ...liquidation(leg),
  ]), "No position is held."));
}

const next = (risk) => wide("What happens next", table("At which price, the nearest first",
  ["Position", "What happens", "#At price", "#Away", "#Result"],
  risk.next.map((row) => [`${row.symbol} ${row.side}`, row.what, price(row.price), percent(row.distance_frac, 2), usd(row.result_usd)]),
  "Nothing is held, so no price triggers anything."));

const states = (risk) => wide("Rules in force", table("Rules that act on what is held",
  ["Rule", "Position", "#Measured", "#Limit", "#Share left"],
  risk.rules.map((rule) => [rule.rule, `${rule.symbol} ${rule.side}`, number(rule.measured), number(rule.limit), percent(rule.factor_in_force, 0)]),
  "No rule acts: nothing is held."));

function accounts(doc) {
  if (doc.accounts.length < 2) return [];
  const sum = known(doc.equity_usd) ? usd(doc.equity_usd) : `unknown, at least ${usd(doc.at_least_usd)}`;
  const net = Object.entries(doc.net_usd).map(([asset, notional]) => `${asset} ${usd(notional)}`).join(", ") || "flat";
  return [wide("Accounts", table("Every account of this daemon", ["Account", "Venue", "State", "#Equity", "#Floor", "#Drawdown", "Protection"],
    doc.accounts.map((row) => [row.account, row.venue,
      el("span", { class: row.seen && !row.latched ? "good" : "bad" }, row.error ?? (row.seen ? (row.latched ? "latched" : row.mode) : "not seen now")),
      usd(row.equity_usd), usd(row.floor_usd), percent(row.drawdown_frac),
      row.seen ? (row.unprotected?.length ? `${row.unprotected.length} without a full stop` : "every position has its stop") : "unknown"])),
    `Together ${sum}; net ${net}.`)];
}

export async function show(view, state) {
  if (!state) { view.replaceChildren(el("p", { class: "quiet", role: "status" }, "Waiting for the first state.")); return; }
  update(view, state);
}

export function update(view, state) {
  const { status, risk, pulse } = state;
  const focused = view.contains(document.activeElement) ? document.activeElement.textContent : null;
  view.replaceChildren(
    el("div", { class: "grid" }, money(status), budget(risk), protection(status), pulse.markets.map(dial)),
    el("div", { class: "grid" }, accounts(state.accounts), positions(state.positions.positions), next(risk), states(risk),
      wide("Commands", buttons())));
  if (focused) [...view.querySelectorAll("button")].find((b) => b.textContent === focused)?.focus();
}
