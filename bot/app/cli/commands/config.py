"""`breakwater config check|show|schema`."""

import json
import sys
from collections.abc import Iterator, Mapping

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.app.cli.home import open_home
from bot.app.cli.output import Document, JsonFlag, print_json, show
from bot.app.config.folder import config_folder
from bot.app.config.settings import Settings, config_hash, effective, load_settings

group = typer.Typer(help="Check and show the configuration.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(group, name="config")


@group.command()
def check(*, as_json: JsonFlag = False) -> None:
    """Read every file and the environment; exit 2 with one line a fault."""
    folder = config_folder()
    settings = load_settings(folder)
    from bot.app.config.places import places_of
    from bot.app.trying.discover import find_strategies

    places = places_of(settings, folder)
    params = {name: dict(values) for name, values in settings.strategies.params.items()}
    found = find_strategies(places.strategies, settings.strategies.enabled, params)
    document = {
        "valid": True,
        "folder": str(folder),
        "hash": config_hash(settings),
        "mode": settings.breakwater.mode,
        "profile": settings.risk.profile or "custom",
        "symbols": list(settings.risk.symbols),
        "strategies": [strategy.name for strategy in found],
        "levels": len(settings.levels.book),
    }
    show(document, _render_check, as_json=as_json)


@group.command("show")
def show_effective(*, as_json: JsonFlag = False) -> None:
    """Print the effective configuration: files, then environment, with its hash."""
    settings = open_home().settings
    from bot.answers.budget_price import price_of
    from bot.app.config.policy import policy_of

    guard = policy_of(settings, mode=settings.breakwater.mode).guard
    document = {
        "hash": config_hash(settings),
        "budget": price_of(guard),
        **effective(settings),
    }
    show(document, _render_effective, as_json=as_json)


@group.command()
def schema(*, as_json: JsonFlag = False) -> None:
    """Print the JSON schema of the configuration, for editors."""
    del as_json
    print_json(Settings.model_json_schema())


def _render_check(document: Document, console: Console) -> None:
    console.print(
        f"[green]valid[/green]  {document['folder']}  hash {document['hash']}  "
        f"mode {document['mode']}  profile {document['profile']}  "
        f"{len(document['symbols'])} symbols  {document['levels']} levels  "
        f"strategies: {', '.join(document['strategies']) or 'none'}"
    )


def _render_effective(document: Document, console: Console) -> None:
    table = Table(title=f"effective configuration {document['hash']}", title_justify="left")
    table.add_column("key")
    table.add_column("value")
    for key, value in _flat("", {k: v for k, v in document.items() if k not in ("hash", "budget")}):
        table.add_row(key, value)
    console.print(table)
    console.print(escape(str(document["budget"]["in_words"])))


def _flat(prefix: str, tree: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        name = f"{prefix}.{key}" if prefix else key
        if isinstance(value, Mapping):
            yield from _flat(name, value)
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            for index, item in enumerate(value):
                yield from _flat(f"{name}.{index}", item)
        else:
            yield name, json.dumps(value, ensure_ascii=False)


@group.command()
def reference() -> None:
    """Print the configuration reference as Markdown."""
    from bot.app.config.reference import reference as written

    sys.stdout.write(written(config_folder()))
