// Every rule against its limit, the stops, and what a shock would leave.

import { answer, card, el, known, number, percent, price, table, usd, wide } from "/static/core.js";

export const every = 5;
const budgetWords = { true: "within the budget", false: "BEYOND the budget" };

function fate(row) {
  const parts = [row.liquidated.length ? `liquidated: ${row.liquidated.join(", ")}` : null,
    row.closed_by_stop.length ? `stopped: ${row.closed_by_stop.join(", ")}` : null,
    row.still_held.length ? `still held: ${row.still_held.join(", ")}` : null,
    known(row.within_budget) ? budgetWords[row.within_budget] : "budget unknown"];
  return parts.filter(known).join("; ");
}

const shocks = (now) => wide("Shocks", table("What would be left of the account",
  ["Shock", "#Equity left", "#Lost", "#Below the peak", "What becomes of it"],
  now.shocks.map((row) => [row.shock, usd(row.equity_usd), percent(row.loss_frac), percent(row.drawdown_frac), fate(row)]),
  "Nothing is held, so no shock costs anything."), el("p", { class: "quiet" }, now.note));

const stops = (risk) => wide("Stops", table("Where stops lie, and what speaks against it",
  ["Position", "#Stop", "Against it"], risk.stops.map((row) => [`${row.symbol} ${row.side}`, price(row.stop_price),
    row.flaws === null ? "unknown" : row.flaws.map((flaw) => flaw.words).join("; ") || "nothing"]),
  "No position is held."));

export async function show(view) {
  const [risk, now] = await Promise.all([answer("risk"), answer("stress-now")]);
  view.replaceChildren(el("div", { class: "grid" },
    card("Budget", el("p", { class: "big" }, usd(risk.budget_left_usd)), el("p", {}, risk.budget.in_words)),
    card("Heat", el("p", { class: "big" }, percent(risk.trades.heat_frac)),
      el("p", { class: "quiet" }, `limit ${percent(risk.trades.heat_max_frac)}; ${risk.trades.open} trades open; all stops now: ${usd(risk.trades.all_stops_usd)}`)),
    card("Strategies today", el("p", { class: "big" }, usd(risk.own_day.result_usd)),
      el("p", { class: "quiet" }, `half size at ${percent(risk.own_day.half_at_frac)}, halt at ${percent(risk.own_day.halt_at_frac)} lost`)),
    wide("Rules", table("Each rule, measured against its limit",
      ["Rule", "Position", "#Measured", "#Limit", "Unit", "#Share left"], risk.rules.map((rule) => [rule.rule,
        `${rule.symbol} ${rule.side}`, number(rule.measured), number(rule.limit), rule.unit, percent(rule.factor_in_force, 0)]),
      "No rule acts: nothing is held.")),
    wide("Volatility", table("Size by volatility", ["Contract", "#Volatility a year", "#Most leverage", "#Most notional", "#Hourly range"],
      risk.volatility.map((row) => [row.symbol + (row.from_prior ? " (prior)" : ""), percent(row.sigma), `${number(row.leverage_cap)}x`,
        usd(row.notional_cap_usd), price(row.atr_1h)]))),
    stops(risk), shocks(now)));
}
