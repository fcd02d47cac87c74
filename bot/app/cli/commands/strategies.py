"""`breakwater strategies`: what there is, whether it sees ahead, and what it is worth."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from bot.app.cli.home import Home, open_home
from bot.app.cli.output import Document, JsonFlag, leave, print_json, show, wants_json, whisper
from bot.domain.errors import ConfigInvalid

if TYPE_CHECKING:
    from bot.lab.judging import Row

group = typer.Typer(help="List, check and judge strategies.", invoke_without_command=True)

DataOption = Annotated[
    list[Path], typer.Option(metavar="DIR", help="Folder of recorded data; may be repeated.")
]
NamesOption = Annotated[
    str | None, typer.Option("--strategies", metavar="A,B", help="Only these; else every file.")
]
SymbolsOption = Annotated[
    list[str] | None, typer.Option(help="Contract, e.g. BTC/USDT:USDT; may be repeated.")
]
BEGIN, END = "<!-- judged: begin -->", "<!-- judged: end -->"


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(group, name="strategies")


@group.callback()
def every(context: typer.Context, *, as_json: JsonFlag = False) -> None:
    """List every strategy file: enabled or not, what it needs, its numbers."""
    if context.invoked_subcommand is not None:
        return
    home = open_home()
    show({"strategies": _listed(home)}, _render_list, as_json=as_json)


@group.command()
def check(
    *,
    data: DataOption,
    strategies: NamesOption = None,
    symbol: SymbolsOption = None,
    cuts: Annotated[int, typer.Option(min=1, max=50, help="How often the data are cut.")] = 4,
    as_json: JsonFlag = False,
) -> None:
    """Look for look-ahead, dates and warm-up faults; exits 3 when one is found."""
    from bot.app.config.policy import policy_of
    from bot.app.trying.discover import find_strategies
    from bot.data.folder import read_folder
    from bot.lab import foresight
    from bot.lab.material import material_of
    from bot.lab.options import ReplayOptions

    home = open_home()
    names = _names(home, strategies)
    params = {n: dict(values) for n, values in home.settings.strategies.params.items()}
    policy = policy_of(home.settings, mode="replay")
    found = []
    for folder in data:
        if not folder.is_dir():
            raise ConfigInvalid(f"--data: {folder}: no such folder")
        options = ReplayOptions(data=folder, policy=policy, symbols=tuple(symbol or ()))
        material = material_of(read_folder(folder), options)
        whisper(f"checking {', '.join(names)} on {folder.name}: {cuts + 4} passes")
        anew = partial(find_strategies, home.places.strategies, names, params)
        found += [
            {"data": folder.name, **msgspec.structs.asdict(each)}
            for each in foresight.check(material, options, anew, cuts=cuts)
        ]
    faults = sum(not each["ok"] for each in found)
    show({"findings": found, "faults": faults}, _render_findings, as_json=as_json)
    if faults:
        leave(3)


@group.command()
def judge(
    *,
    data: DataOption,
    strategies: NamesOption = None,
    symbol: SymbolsOption = None,
    stop_fill: Annotated[
        Literal["touch", "gap", "low"], typer.Option(help="How stops fill in fast bars.")
    ] = "touch",
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Replays at a time.")] = 1,
    keep: Annotated[
        Path | None, typer.Option(metavar="FILE.jsonl", help="Keep each score; go on from it.")
    ] = None,
    write: Annotated[
        Path | None, typer.Option(metavar="FILE.md", help="Write the table between its marks.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Replay every strategy on every folder, with and without the guard, alone and together."""
    from bot.app.trying import judge as judging
    from bot.lab.judging import rows_of

    home = open_home()
    for folder in data:
        if not folder.is_dir():
            raise ConfigInvalid(f"--data: {folder}: no such folder")
    wanted = judging.trials(
        home.places, home.settings, _names(home, strategies), data, tuple(symbol or ()), stop_fill
    )
    scores = judging.judge(
        wanted,
        jobs=jobs,
        keep=keep,
        told=lambda done, of, what: whisper(f"{done} of {of}: {what}"),
    )
    rows = rows_of(scores)
    if write is not None:
        _write_table(write, rows)
    if wants_json(as_json):
        print_json({"rows": rows, "scores": scores})
    else:
        _render_rows(rows, Console())


def _names(home: Home, asked: str | None) -> list[str]:
    from bot.app.trying.discover import strategy_files

    if asked is None:
        return list(strategy_files(home.places.strategies))
    return [name.strip() for name in asked.split(",") if name.strip()]


def _listed(home: Home) -> list[dict[str, object]]:
    from bot.app.trying.discover import find_strategies, strategy_files

    settings = home.settings.strategies
    files = strategy_files(home.places.strategies)
    params = {name: dict(values) for name, values in settings.params.items()}
    rows: list[dict[str, object]] = []
    for found in find_strategies(home.places.strategies, files, params):
        about = (type(found).__doc__ or "").strip().splitlines()
        rows.append(
            {
                "name": found.name,
                "enabled": found.name in settings.enabled,
                "about": about[0] if about else "",
                "needs": list(found.needs),
                "warmup_bars": found.warmup_bars,
                "params": getattr(found, "params", None),
                "file": str(files[found.name]),
            }
        )
    return rows


def _write_table(path: Path, rows: "list[Row]") -> None:
    from bot.lab.judging import markdown

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigInvalid(f"--write: {path}: {error.strerror}") from None
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ConfigInvalid(f"--write: {path}: needs a line {BEGIN} and, after it, a line {END}")
    path.write_text(f"{before}{BEGIN}\n\n{markdown(rows)}\n{END}{after}", encoding="utf-8")
    whisper(f"table: {path}")


def _render_list(document: Document, console: Console) -> None:
    table = Table(title="strategies", title_justify="left")
    for name in ("name", "enabled", "what it does", "needs", "warm-up"):
        table.add_column(name)
    for row in document["strategies"]:
        table.add_row(
            row["name"], "yes" if row["enabled"] else "", row["about"], ", ".join(row["needs"]),
            f"{row['warmup_bars']} bars",
        )  # fmt: skip
    console.print(table)


def _render_findings(document: Document, console: Console) -> None:
    table = Table(title="look-ahead, dates, warm-up", title_justify="left")
    for name in ("data", "strategy", "check", "", "found"):
        table.add_column(name)
    for row in document["findings"]:
        mark = "ok" if row["ok"] else "[bold red]FAULT[/bold red]"
        table.add_row(row["data"], row["strategy"], row["check"], mark, row["words"])
    console.print(table)


def _render_rows(rows: "list[Row]", console: Console) -> None:
    from rich.markdown import Markdown

    from bot.lab.judging import markdown

    console.print(Markdown(markdown(rows)))
