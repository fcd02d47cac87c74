"""Prints one answer: a table for people, one JSON document for programs."""

import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Document = Mapping[str, Any]


def wants_json(as_json: bool) -> bool:  # noqa: FBT001 - a flag of the command line
    """Tell whether a program reads stdout: asked for, or not a terminal."""
    return as_json or not sys.stdout.isatty()


def show(
    document: Document,
    render: Callable[[Document, Console], None],
    *,
    as_json: bool,
) -> None:
    """Print `document` on stdout, as JSON or through `render`."""
    if wants_json(as_json):
        print_json(document)
        return
    render(document, Console())


def print_json(document: Document) -> None:
    """Print one JSON document; decimals as text, NaN and infinity as null."""
    data = msgspec.json.format(msgspec.json.encode(document), indent=2)
    sys.stdout.write(data.decode() + "\n")
    sys.stdout.flush()


def whisper(line: str) -> None:
    """Write one line of progress for people on stderr."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def leave(code: int) -> None:
    """End the command with `code`."""
    raise typer.Exit(code)
