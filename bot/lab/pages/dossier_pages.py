"""The report's sections as Markdown and as parts of the page."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

from bot.lab.options import ReplayResult
from bot.lab.pages.summary import render_summary

TITLES = {
    "months": "Months",
    "costs": "Costs",
    "baselines": "The same position, held in other ways",
    "cuts": "Quality of the guard's cuts",
    "stop_slippage": "Stops: planned and real",
    "threat_time": "Time at each threat",
    "ladder": "States of the ladder",
    "r_histogram": "Results in multiples of the risk",
    "by_exit": "Results by what ended the trade",
    "trades": "Trades",
}
Rows = Sequence[Mapping[str, Any]]


def said(value: object) -> str:
    """Return a value as it is read: unknown as a question mark."""
    if value is None:
        return "?"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1_000.0 else f"{value:,.2f}"
    return str(value)


def rows_of(section: object) -> Rows:
    """Return a section as rows: a list as it is, single facts as one row."""
    if isinstance(section, Mapping):
        return [section]
    return section if isinstance(section, list) else []


def columns_of(rows: Rows) -> list[str]:
    """Return every column any row has, in order of appearance."""
    return list(dict.fromkeys(key for row in rows for key in row))


def markdown(
    result: ReplayResult,
    sections: Mapping[str, Any],
    summary: Sequence[tuple[str, str]] | None = None,
) -> str:
    """Return one replay as Markdown; `summary` stands for its numbers where it is none."""
    lines = [f"# {result.data}", ""]
    lines += [f"* {label}: {value}" for label, value in summary or render_summary(result)]
    for key, title in TITLES.items():
        if key not in sections:
            continue
        rows = rows_of(sections[key])
        lines += ["", f"## {title}", ""]
        if not rows:
            lines.append("None.")
            continue
        names = columns_of(rows)
        lines.append("| " + " | ".join(names) + " |")
        lines.append("|" + "---|" * len(names))
        lines += [
            "| " + " | ".join(said(row.get(n)).replace("|", "/") for n in names) + " |"
            for row in rows
        ]
    lines += ["", "## What is recorded, what is derived", ""]
    lines += [f"* {line}" for line in result.caveats]
    return "\n".join(lines) + "\n"


def parts(sections: Mapping[str, Any]) -> str:
    """Return the sections as HTML tables."""
    out = []
    for key, title in TITLES.items():
        if key not in sections:
            continue
        rows = rows_of(sections[key])
        body = _table(key, rows) if rows else "<p>None.</p>"
        out.append(f'<h2>{html.escape(title)}</h2>\n<div class="scroll">{body}</div>')
    return "\n".join(out)


def _table(key: str, rows: Rows) -> str:
    names = columns_of(rows)
    head = "".join(f"<th>{html.escape(name.replace('_', ' '))}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(said(row.get(n)))}</td>" for n in names) + "</tr>"
        for row in rows
    )
    return f'<table id="{key}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
