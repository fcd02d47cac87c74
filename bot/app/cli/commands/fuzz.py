"""`breakwater fuzz`: broken frames against the decoders of every venue."""

from typing import Annotated

import typer
from rich.console import Console

from bot.app.cli.grid import facts
from bot.app.cli.output import Document, JsonFlag, show, whisper

UNHEALTHY = 3


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(fuzz)


def fuzz(
    *,
    cases: Annotated[int, typer.Option(min=1, max=10**9, help="Frames a venue.")] = 1_000_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed breaks the same way.")] = 1,
    as_json: JsonFlag = False,
) -> None:
    """Break frames of every venue; exits 3 on a crash or on a number that no frame holds."""
    from bot.venue.proof.fuzz import fuzz_decoders

    whisper(f"{cases:,} broken frames a venue; about half a minute a million and venue")
    report = fuzz_decoders(cases, seed)
    bad = any(found["crashes"] or found["unfounded"] for found in report.values())
    show(dict(report), _render, as_json=as_json)
    if bad:
        raise typer.Exit(UNHEALTHY)


def _render(document: Document, console: Console) -> None:
    for venue, found in document.items():
        rows = [
            (name, f"{value:,}" if isinstance(value, int) else str(value))
            for name, value in found.items()
            if value != []
        ]
        console.print(facts(venue, rows))
