// Stored reports of replays and stress runs.

import { el, get, table, time, wide } from "/static/core.js";

export async function show(view) {
  const { reports } = await get("reports");
  const frame = el("div");
  const open = (name) => frame.replaceChildren(el("iframe", { src: `/reports/${encodeURIComponent(name)}`, title: name, sandbox: "allow-scripts" }));
  view.replaceChildren(wide("Reports", table("Stored reports, newest first", ["Report", "Made", "#Size"],
    reports.map((row) => ({ cells: [row.name, time(row.made_at), `${Math.ceil(row.bytes / 1024)} KiB`], open: () => open(row.name) })),
    "None yet. `breakwater replay --data DIR --report reports/NAME.html` writes one.")), frame);
}
