// What was decided and why: filtered rows, each opening the chain behind it.

import { answer, el, table, time, trouble, wide } from "/static/core.js";

const TABLES = ["decisions", "orders", "fills", "intents", "commands", "modes", "income", "equity", "notices"];
let kept = { table: "decisions", words: "" };

const heads = (rows) => Object.keys(rows[0] ?? {}).filter((key) => !/_ns$|^run_id$|^seq$|^id$|^cause$/.test(key)).slice(0, 8);
const at = (row) => time(row.at ?? (row.event_ns ? new Date(row.event_ns / 1e6).toISOString() : null));

async function chain(place, ref) {
  try {
    const found = await answer("why", { ref });
    place.replaceChildren(wide(`Why ${ref}`, table("The chain behind it", ["When", "Kind", "What", "Why", "Measured", "Limit"],
      found.chain.map((row) => [at(row), row.kind, row.what, row.why, row.measured, row.limit]))));
    place.scrollIntoView({ block: "nearest" });
  } catch (error) { place.replaceChildren(trouble(error)); }
}

async function fill(place, why) {
  const rows = (await answer("journal", { table: kept.table, limit: 300 })).rows;
  const wanted = kept.words.toLowerCase();
  const found = rows.filter((row) => !wanted || JSON.stringify(row).toLowerCase().includes(wanted));
  const names = heads(found);
  place.replaceChildren(table(`${found.length} of the newest ${rows.length} rows of ${kept.table}`, ["When", ...names.filter((name) => name !== "at")],
    found.map((row) => {
      const ref = row.decision_id || row.client_order_id;
      return { cells: [at(row), ...names.filter((name) => name !== "at").map((name) => String(row[name] ?? ""))], open: ref ? () => chain(why, ref) : null };
    })));
}

export async function show(view) {
  const rows = el("div"), why = el("div");
  const refresh = () => fill(rows, why).catch((error) => rows.replaceChildren(trouble(error)));
  view.replaceChildren(
    el("p", {}, el("label", { for: "table" }, "Table "), el("select", { id: "table", onchange: (event) => { kept.table = event.target.value; refresh(); } },
      TABLES.map((name) => el("option", { value: name, selected: name === kept.table }, name))), " ",
      el("label", { for: "words" }, "Filter "), el("input", { id: "words", type: "search", value: kept.words, oninput: (event) => { kept.words = event.target.value; refresh(); } })),
    why, wide("Journal", rows));
  await refresh();
}
