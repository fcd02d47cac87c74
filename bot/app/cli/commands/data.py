"""`breakwater data check`: what is in a folder of recorded data, and what is wrong with it."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bot.app.cli.grid import grid, text
from bot.app.cli.output import Document, JsonFlag, leave, show

EXIT_UNSOUND = 3
SERIES = (
    ("file", "file", text),
    ("symbol", "symbol", text),
    ("venue", "venue", text),
    ("step_s", "step s", text),
    ("rows", "rows", text),
    ("from", "from", text),
    ("to", "to", text),
    ("gaps", "gaps", text),
    ("missing", "missing", text),
    ("longest_gap_s", "longest s", text),
    ("repeats_dropped", "repeats", text),
)


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    group = typer.Typer(name="data", help="Folders of recorded market data.", no_args_is_help=True)
    group.command()(check)
    group.command()(formats)
    app.add_typer(group)


def check(
    *,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of recorded data.")],
    strict: Annotated[
        bool, typer.Option("--strict", help="Gaps and repeats count as unsound as well.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Report gaps, repeats, bad bars, unit jumps, overlaps; exit 3 if a row cannot be believed."""
    from bot.data.check import check_folder

    report: dict[str, Any] = check_folder(folder)
    counts = report["counts"]
    show(report, _render, as_json=as_json)
    if not report["ok"] or (strict and (counts["gaps"] or counts["repeats"])):
        leave(EXIT_UNSOUND)


def formats(*, as_json: JsonFlag = False) -> None:
    """List what `import` can read."""
    from bot.data.formats import formats as known

    rows = [{"format": each.name, "about": each.about} for each in known().values()]
    columns = (("format", "format", text), ("about", "reads", text))
    show(
        {"formats": rows},
        lambda document, console: console.print(grid("formats", document["formats"], columns)),
        as_json=as_json,
    )


def _render(document: Document, console: Console) -> None:
    rows = [{"file": file["file"], **one} for file in document["files"] for one in file["series"]]
    console.print(grid(document["path"], rows, SERIES))
    for file in document["files"]:
        if file["problem"] and not file["findings"]:
            console.print(file["problem"], markup=False)
        for each in file["findings"]:
            first = ", ".join(str(row) for row in each["first_rows"])
            console.print(
                f"{file['file']}: {each['fault']}: column {each['column']!r} {each['what']}:"
                f" {each['rows']} rows, first {first}",
                markup=False,
            )
    counts = ", ".join(f"{count} {name}" for name, count in document["counts"].items() if count)
    console.print(f"{'sound' if document['ok'] else 'not sound'}; {counts or 'nothing to report'}")
