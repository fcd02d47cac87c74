"""`breakwater new-strategy NAME`: a commented example to start from, with its test."""

from typing import Annotated

import typer
from rich.console import Console

from bot.app.cli.home import open_home
from bot.app.cli.output import Document, JsonFlag, show


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("new-strategy")(new_strategy)


def new_strategy(
    name: Annotated[str, typer.Argument(help="File and strategy, e.g. buy_the_hour.")],
    *,
    as_json: JsonFlag = False,
) -> None:
    """Write a commented strategy and its test; nothing is enabled by it."""
    from bot.app.trying.template import write_example

    places = open_home().places
    strategy, test = write_example(places.root, places.strategies, name)
    document = {"name": name, "strategy": str(strategy), "test": str(test)}
    show(document, _render, as_json=as_json)


def _render(document: Document, console: Console) -> None:
    name = document["name"]
    console.print(f"strategy  {document['strategy']}\ntest      {document['test']}")
    console.print(f"next      ./run test tests/unit/strategies/test_{name}.py, then")
    console.print(f"          breakwater strategies check --strategies {name}, then add it to")
    console.print("          strategies.enabled in config/strategies.toml", markup=False)
