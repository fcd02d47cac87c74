// Every rule against its limit, the stops, and what a shock would leave.

import { answer, card, el, number, percent, price, table, text, usd, wide } from "/static/core.js";
import { sentence } from "/static/overview.js";

const shocks = (now) => wide("Shocks", table("What would be left of the account",
  ["Shock", "What happens"], now.shocks.map((row) => [text(row.shock ?? row.name), sentence(row)]),
  "Nothing is held, so no shock costs anything."), el("p", { class: "quiet" }, now.note));

const stops = (risk) => wide("Stops", risk.stops.length
  ? el("ul", {}, risk.stops.map((row) => el("li", {}, sentence(row)))) : el("p", { class: "quiet" }, "none"));

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
