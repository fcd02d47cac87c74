"""One self-contained HTML page of a replay: works offline, sends nothing anywhere."""

import html
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from bot.lab.options import ReplayResult
from bot.lab.pages.figure import figure
from bot.lab.pages.summary import render_summary
from bot.lab.story import severity_of, text_of, utc_text

_STYLE = """
:root{--ink:#1b2733;--soft:#5d6b79;--line:#dde3e9;--page:#fff;--warn:#9a6700;--bad:#b42318}
@media (prefers-color-scheme:dark){:root{--ink:#d7dde5;--soft:#8b95a3;--line:#2a313b;--page:#12161b;
--warn:#e0a84b;--bad:#ff7a6b;color-scheme:dark}}
body{margin:0 auto;max-width:1180px;padding:24px;color:var(--ink);background:var(--page);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:22px;margin:0 0 4px}h2{font-size:17px;margin:28px 0 8px}p{color:var(--soft);margin:0}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
td,th{padding:5px 10px;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{color:var(--soft);font-weight:500}td.when,td.price{white-space:nowrap}
td.price{text-align:right}tr.WARNING td{color:var(--warn)}tr.CRITICAL td{color:var(--bad);
font-weight:600}#summary th{width:11em}#chart{min-height:560px}
@media (max-width:700px){body{padding:12px}td,th{padding:4px 6px}#summary th{width:8em}}
.scroll{overflow-x:auto}ul{color:var(--soft);padding-left:20px}
label{color:var(--soft)}body.brief tr.order{display:none}
"""
_SCRIPT = """
const dark = matchMedia("(prefers-color-scheme: dark)"), narrow = matchMedia("(max-width: 700px)");
const shades = {"#1b2733": "#d7dde5", "#344054": "#a9b4c2", "#eef1f4": "#2a313b", "#fff": "#12161b",
  "#ffffff": "#12161b", "#7a0b00": "#ff5c8a", "#b42318": "#f0625a", "#087443": "#35b37e",
  "#1570ef": "#5aa2ff", "#6941c6": "#a58bf0", "#b54708": "#e88a3c"};
function draw() {
  let text = document.getElementById("figure").textContent;
  if (dark.matches) text = text.replace(/#[0-9a-f]{3,6}\\b/g, (shade) => shades[shade] || shade);
  const {data, layout} = JSON.parse(text);
  layout.font = {color: getComputedStyle(document.body).color};
  if (narrow.matches) {
    layout.showlegend = false;
    Object.assign(layout.margin, {l: 48, r: 8});
  }
  const bar = narrow.matches ? false : "hover";
  const options = {responsive: true, displaylogo: false, displayModeBar: bar};
  Plotly.newPlot("chart", data, layout, options);
}
draw();
dark.addEventListener("change", draw);
narrow.addEventListener("change", draw);
document.getElementById("brief").addEventListener("change", (event) =>
  document.body.classList.toggle("brief", event.target.checked));
"""


def write_report(result: ReplayResult, path: Path) -> None:
    """Write the page of a finished replay to `path`.

    Raises:
        OSError: the file cannot be written.
    """
    path.write_text(page(result), encoding="utf-8")


class Words(NamedTuple):
    """What stands at the head of a page: title, a line below it, the numbers."""

    title: str
    subtitle: str
    summary: Sequence[tuple[str, str]]


def page(result: ReplayResult, sections: str = "", words: Words | None = None) -> str:
    """Return the page: chart of price, levels, executions, stops and equity; numbers; story.

    `sections` is HTML that stands between numbers and story; `words` its head, where that is not
    a replay's.
    """
    from plotly.offline import get_plotlyjs

    words = words or _of_replay(result)
    title = html.escape(words.title)
    data = msgspec.json.encode(figure(result)).decode().replace("</", "<\\/")
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{_STYLE}</style>
<script>{get_plotlyjs()}</script></head>
<body class="brief">
<h1>{title}</h1>
<p>{html.escape(words.subtitle)}</p>
<div id="chart"></div>
<h2>Numbers</h2>
<table id="summary"><tbody>{_summary_rows(words.summary)}</tbody></table>
{sections}
<h2>What happened, and why</h2>
<p><label><input type="checkbox" id="brief" checked> without single orders</label></p>
<div class="scroll"><table id="events">
<thead><tr><th>time, UTC</th><th>symbol</th><th>price</th><th>what</th><th>why</th></tr></thead>
<tbody>{_story_rows(result)}</tbody></table></div>
<h2>What is recorded, what is derived</h2>
<ul>{"".join(f"<li>{html.escape(line)}</li>" for line in result.caveats)}</ul>
<script type="application/json" id="figure">{data}</script>
<script>{_SCRIPT}</script>
</body></html>
"""


def _subtitle(result: ReplayResult) -> str:
    guard = f"guard {result.profile}" if result.guard else "no guard"
    held = f", holds {result.hold} {result.leverage}x" if result.hold else ""
    return (
        f"{utc_text(result.from_ns)} to {utc_text(result.to_ns)} UTC, "
        f"{', '.join(result.symbols)}{held}, {guard}"
    )


def _of_replay(result: ReplayResult) -> Words:
    name = Path(result.data).name or result.data
    return Words(f"Replay of {name}", _subtitle(result), render_summary(result))


def _summary_rows(summary: Sequence[tuple[str, str]]) -> str:
    return "".join(
        f"<tr><th>{html.escape(label)}</th><td>{html.escape(value)}</td></tr>"
        for label, value in summary
    )


def _story_rows(result: ReplayResult) -> str:
    rows = []
    for line in result.story:
        numbers = ", limit ".join(part for part in (line.measured, line.limit) if part)
        why = f"{line.why} ({numbers})" if numbers else line.why
        price = f"{line.price:,.8g}" if line.price > 0.0 else ""
        cells = (
            ("when", utc_text(line.event_ns)),
            ("symbol", line.symbol.split("/", 1)[0]),
            ("price", price),
            ("what", line.what),
            ("why", why),
        )
        marks = f"{severity_of(line).value} {html.escape(line.kind.replace(' ', '-'))}"
        inner = "".join(f'<td class="{name}">{html.escape(text)}</td>' for name, text in cells)
        rows.append(f'<tr class="{marks}" title="{html.escape(text_of(line))}">{inner}</tr>')
    return "".join(rows)
