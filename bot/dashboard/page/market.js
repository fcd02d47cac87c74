// Where price stands between its zones, and what funding, interest and liquidations say over time.

import { answer, big, card, el, get, known, number, percent, price, table, text, time, wide } from "/static/core.js";

export const every = 30;
let plotly = null;
let symbol = "";

function load() {
  plotly ??= new Promise((done, failed) => {
    const script = el("script", { src: "/static/plotly.js" });
    script.onload = () => done(window.Plotly);
    script.onerror = () => failed(new Error("the chart script could not be loaded"));
    document.head.append(script);
  });
  return plotly;
}

const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function layout(more = {}) {
  const axis = { gridcolor: ink("--line"), zeroline: false };
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: ink("--ink") },
    margin: { l: 64, r: 12, t: 8, b: 32 }, showlegend: false, xaxis: { ...axis }, yaxis: { ...axis }, ...more,
  };
}

const PICTURE = { displayModeBar: false, responsive: true };

async function charts(view, readings, zones) {
  const Plotly = await load();
  const at = readings.map((row) => row.at);
  const line = (name, colour) => ({ x: at, y: readings.map((row) => row[name]), mode: "lines", name, line: { color: colour } });
  const prices = readings.map((row) => row.price).filter(known);
  const low = Math.min(...prices) * 0.985, high = Math.max(...prices) * 1.015;
  const shapes = zones.filter((zone) => zone.high > low && zone.low < high).map((zone) => ({
    type: "rect", xref: "paper", x0: 0, x1: 1, y0: zone.low, y1: Math.max(zone.high, zone.low * 1.0003),
    fillcolor: zone.side === "support" ? ink("--good") : zone.side === "resistance" ? ink("--bad") : ink("--quiet"),
    opacity: 0.25, line: { width: 0 },
  }));
  const draw = (id, traces, more) => {
    const place = view.querySelector(`#${id}`);
    if (place) Plotly.react(place, traces, layout(more), PICTURE);
  };
  draw("chart-price", [line("price", ink("--accent"))], { shapes });
  draw("chart-sense", [line("pulse", ink("--good")), line("stress", ink("--bad"))], { yaxis: { range: [0, 100], gridcolor: ink("--line") }, showlegend: true });
  draw("chart-threat", [{ ...line("threat", ink("--warn")), line: { shape: "hv", color: ink("--warn") } }], { yaxis: { range: [0.5, 5.5], dtick: 1, gridcolor: ink("--line") } });
  draw("chart-liq", [
    { x: at, y: readings.map((row) => row.liq_long_24h_usd), type: "bar", name: "longs", marker: { color: ink("--bad") } },
    { x: at, y: readings.map((row) => (known(row.liq_short_24h_usd) ? -row.liq_short_24h_usd : null)), type: "bar", name: "shorts", marker: { color: ink("--good") } },
  ], { barmode: "relative", showlegend: true });
  draw("chart-oi", [line("open_interest_coin", ink("--accent"))]);
  draw("chart-funding", [line("funding_8h_frac", ink("--accent"))], { yaxis: { tickformat: ".4%", gridcolor: ink("--line") } });
}

function strip(clusters) {
  const rows = clusters?.estimated ?? [];
  if (!rows.length) return el("p", { class: "quiet" }, "No estimated cluster is known.");
  const most = Math.max(...rows.map((row) => row.usd));
  return el("div", {}, rows.map((row) => el("div", {},
    el("span", { class: "quiet" }, `${row.side} at ${price(row.price)} (${percent(row.distance_frac)}): ${big(row.usd)} `),
    el("div", { class: "bar", "aria-hidden": "true" }, el("i", { style: `width:${(row.usd / most) * 100}%` })))),
    el("p", { class: "quiet" }, `An estimate of what would be forced, never of direction. Score: longs ${text(clusters.score_long)}, shorts ${text(clusters.score_short)}.`));
}

function funding(row) {
  if (!row) return el("p", { class: "quiet" }, "unknown");
  return el("div", {},
    el("p", {}, `${percent(row.mean_8h_frac, 4)} per 8 h, ${percent(row.apr_frac)} a year (${row.kind})`),
    table("Funding by venue", ["Venue", "#Predicted per 8 h", "#Settled per 8 h", "Next settlement"], row.by_venue.map((venue) => [
      venue.venue, percent(venue.predicted_8h_frac, 4), percent(venue.settled_8h_frac, 4), countdown(venue)])));
}

function countdown(venue) {
  if (!known(venue.interval_h)) return "unknown";
  const interval = venue.interval_h * 3_600_000;
  const left = interval - (Date.now() % interval);
  return `in ${Math.floor(left / 3_600_000)} h ${Math.floor((left % 3_600_000) / 60_000)} min (every ${venue.interval_h} h)`;
}

export async function show(view) {
  const [market, levels, clusters, fund, liquidations, scenarios] = await Promise.all(
    ["market", "levels", "clusters", "funding", "liquidations", "scenarios"].map((name) => answer(name)));
  const names = market.markets.map((row) => row.symbol);
  if (!names.includes(symbol)) symbol = names[0] ?? "";
  const of = (rows) => (rows ?? []).find((row) => row.symbol === symbol);
  const zones = [...(levels.levels ?? []), ...(levels.zones ?? [])].filter((zone) => zone.symbol === symbol);
  zones.sort((a, b) => Math.abs(a.distance_frac) - Math.abs(b.distance_frac));
  const past = await get(`history?${new URLSearchParams({ symbol, limit: 2000 })}`);
  const choice = el("select", { id: "symbol", onchange: (event) => { symbol = event.target.value; show(view); } },
    names.map((name) => el("option", { value: name, selected: name === symbol }, name)));
  const chart = (id, title, low) => wide(title, el("div", { id, class: `chart${low ? " low" : ""}`, role: "img", "aria-label": title }));
  const liq = of(liquidations.liquidations);
  view.replaceChildren(
    el("p", {}, el("label", { for: "symbol" }, "Contract "), choice),
    el("div", { class: "grid" },
      chart("chart-price", "Price and zones since this run began"),
      wide("Estimated clusters", strip(of(clusters.clusters))),
      wide("Funding", funding(of(fund.funding))),
      wide("Liquidations", liq ? el("div", {},
        el("p", {}, `24 h: longs ${big(liq.long_24h_usd)}, shorts ${big(liq.short_24h_usd)}`),
        el("p", { class: "quiet" }, `${text(liq.source)} of ${liq.venues.join(", ")}; ${number(liq.times_ordinary)} times an ordinary day`))
        : el("p", { class: "quiet" }, "unknown")),
      chart("chart-sense", "Pulse and Stress", true), chart("chart-threat", "Threat", true),
      chart("chart-liq", "Liquidations of 24 h by side, USD", true), chart("chart-oi", "Open interest, coins", true),
      chart("chart-funding", "Funding per 8 h", true),
      wide("Zones", table("Zones, nearest first", ["Zone", "#From", "#To", "Side", "State", "#Away"], zones.slice(0, 40).map((zone) => [
        zone.name, price(zone.low), price(zone.high), text(zone.side), zone.state, percent(zone.distance_frac)]))),
      wide("Scenarios", el("pre", {}, (scenarios.scenarios ?? []).map((row) => `${row.name}: ${row.status}, stage ${row.stage}, ${row.targets_hit} of ${row.targets.length} targets; ${row.says}`).join("\n") || "none is declared"))));
  await charts(view, past.readings, zones);
}
