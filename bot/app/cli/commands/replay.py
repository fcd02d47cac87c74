"""`breakwater replay`: the story of recorded data, told by the same kernel on the same exchange."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from bot.app.cli.home import Home, open_home
from bot.app.cli.output import JsonFlag, print_json, wants_json, whisper
from bot.app.cli.ready import ready
from bot.domain.errors import ConfigInvalid

if TYPE_CHECKING:
    from bot.lab.options import ReplayOptions, ReplayResult

SymbolsOption = Annotated[
    list[str] | None, typer.Option(help="Contract, e.g. BTC/USDT:USDT; may be repeated.")
]
WithoutOption = Annotated[
    list[str] | None, typer.Option(metavar="RULE", help="Switch a rule off; may be repeated.")
]
ReportOption = Annotated[
    Path | None, typer.Option(metavar="OUT.html", help="Write a page that works offline.")
]
ResumeOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Keep it here as it goes; cut off, it goes on from there."),
]
SenseOption = Annotated[
    Path | None, typer.Option(metavar="OUT.parquet", help="Write every reading over time.")
]
ProfileOption = Annotated[
    Literal["L20", "L25", "L30"] | None, typer.Option(help="Loss budget; else config's.")
]
StrategiesOption = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="What trades; default config's, none with --hold."),
]
LatencyOption = Annotated[
    int, typer.Option(min=0, max=60_000, metavar="MS", help="An order's way to the venue.")
]
SensitivityFlag = Annotated[
    bool,
    typer.Option("--sensitivity", help="Replay again, the favourable extreme of each bar first."),
]
HoldOption = Annotated[
    Literal["long", "short"] | None,
    typer.Option(help="Open a position at the first bar, as if by hand, and guard it."),
]
COLOURS = {"INFO": "", "WARNING": "yellow", "CRITICAL": "bold red"}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(replay)


def replay(
    *,
    data: Annotated[
        list[Path], typer.Option(metavar="DIR", help="Folder of recorded data; may be repeated.")
    ],
    symbol: SymbolsOption = None,
    hold: HoldOption = None,
    leverage: Annotated[int, typer.Option(min=1, max=125, help="Of the held position.")] = 1,
    margin: Annotated[Literal["isolated", "cross"], typer.Option(help="Margin mode.")] = "isolated",
    no_guard: Annotated[bool, typer.Option("--no-guard", help="Show it unprotected.")] = False,
    profile: ProfileOption = None,
    strategies: StrategiesOption = None,
    stop_fill: Annotated[
        Literal["touch", "gap", "low"], typer.Option(help="How stops fill in fast bars.")
    ] = "touch",
    start: Annotated[
        str, typer.Option(metavar="first|12h", help="Hours to begin after.")
    ] = "first",
    wallet: Annotated[
        float, typer.Option(min=10.0, max=1e9, metavar="USD", help="First balance.")
    ] = 10_000.0,
    seed: Annotated[int, typer.Option(min=0, help="Of drawn slippage and paths.")] = 1,
    latency: LatencyOption = 80,
    sensitivity: SensitivityFlag = False,
    without: WithoutOption = None,
    report: ReportOption = None,
    sense: SenseOption = None,
    resume: ResumeOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Replay recorded market data; exits 0 when it reached the end, liquidated or not."""
    home = open_home()
    options = [
        options_for(
            home,
            folder,
            symbols=tuple(symbol or ()),
            hold=hold,
            leverage=leverage,
            margin=margin,
            guard=not no_guard,
            profile=profile or "",
            strategies=[s.strip() for s in strategies.split(",")] if strategies else None,
            stop_fill=stop_fill,
            start=start,
            wallet=wallet,
            seed=seed,
            without=tuple(without or ()),
            sense=sense is not None or report is not None,
        )
        for folder in data
    ]
    options = [replace(option, latency_ms=latency, resume=resume) for option in options]
    ready({"--report": report, "--sense": sense, "--resume": resume})
    if resume is not None and len(options) > 1:
        raise ConfigInvalid("--resume keeps one replay: give one --data")
    results = [replayed(option) for option in options]
    _write_files(results, report, sense)
    kinder = [_kinder(option) for option in options] if sensitivity else []
    _print(results, kinder, as_json=as_json)


def _kinder(options: "ReplayOptions") -> "ReplayResult":
    """Replay with the favourable extreme first: how much hangs on the path inside a bar."""
    return replayed(replace(options, in_bar="favourable", sense=False, resume=None))


def options_for(
    home: Home,
    folder: Path,
    *,
    symbols: tuple[str, ...],
    hold: Literal["long", "short"] | None,
    leverage: int,
    margin: str,
    guard: bool,
    profile: str,
    strategies: list[str] | None,
    stop_fill: Literal["touch", "gap", "low"],
    start: str,
    wallet: float,
    seed: int,
    without: tuple[str, ...],
    sense: bool,
) -> "ReplayOptions":
    """Return the options of one replay; the configuration says what is not given.

    Raises:
        ConfigInvalid: no such folder, start, rule or strategy.
    """
    from bot.app.clock import SystemClock
    from bot.app.config.policy import policy_of
    from bot.app.config.rule_policy import without_rules
    from bot.app.trying.discover import find_strategies
    from bot.domain.account import MarginMode
    from bot.lab.options import ReplayOptions

    settings = home.settings
    if not folder.is_dir():
        raise ConfigInvalid(f"--data: {folder}: no such folder")
    if start != "first" and not (start.endswith("h") and start[:-1].isdigit()):
        raise ConfigInvalid(f"--start: was {start!r:.20}, allowed: first, or hours such as 12h")
    default = () if hold else settings.strategies.enabled
    chosen = tuple(default if strategies is None else strategies)
    params = {name: dict(values) for name, values in settings.strategies.params.items()}
    return ReplayOptions(
        data=folder,
        policy=without_rules(policy_of(settings, mode="replay", profile=profile), without),
        symbols=symbols,
        hold=hold,
        leverage=leverage,
        margin=MarginMode(margin.upper()),
        guard=guard,
        stop_fill=stop_fill,
        start=start,
        seed=seed,
        wallet_usd=Decimal(repr(wallet)),
        strategies=find_strategies(home.places.strategies, chosen, params),
        clock=SystemClock(),
        sense=sense,
    )


def replayed(options: "ReplayOptions") -> "ReplayResult":
    """Replay one folder, with a bar of progress while a person watches."""
    from bot.lab.replay import replay_folder

    with _progress(f"replaying {options.data.name}") as tick:
        return replay_folder(replace(options, progress=tick))


@contextmanager
def _progress(title: str) -> Iterator[Callable[[float], None] | None]:
    """Show a bar on stderr while a person watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda share: bar.update(task, completed=share)


def _write_files(results: "list[ReplayResult]", report: Path | None, sense: Path | None) -> None:
    if report is not None:
        _write_reports(results, report)
    if sense is not None:
        _write_senses(results, sense)


def _write_reports(results: "list[ReplayResult]", path: Path) -> None:
    from bot.lab.pages.report import write_report

    for index, result in enumerate(results):
        target = path if len(results) == 1 else path.with_stem(f"{path.stem}-{index + 1}")
        try:
            write_report(result, target)
        except OSError as error:
            raise ConfigInvalid(f"--report: {target}: {error.strerror}") from None
        whisper(f"report: {target}")


def _write_senses(results: "list[ReplayResult]", path: Path) -> None:
    from bot.lab.pages.sense_file import write_sense

    for index, result in enumerate(results):
        target = path if len(results) == 1 else path.with_stem(f"{path.stem}-{index + 1}")
        try:
            rows = write_sense(result, target)
        except OSError as error:
            raise ConfigInvalid(f"--sense: {target}: {error.strerror}") from None
        whisper(f"readings: {target} ({rows} rows)")


def _print(results: "list[ReplayResult]", kinder: "list[ReplayResult]", *, as_json: bool) -> None:
    from bot.lab.pages.summary import document, sensitivity

    lines = [sensitivity(kind) for kind in kinder]
    if wants_json(as_json):
        documents = [document(result) for result in results]
        for each, line in zip(documents, lines, strict=False):
            each["sensitivity"] = line
        print_json(documents[0] if len(documents) == 1 else {"replays": documents})
        return
    for number, result in enumerate(results):
        _tell(result, Console())
        if number < len(lines):
            words = ", ".join(f"{name} {value:,.6g}" for name, value in lines[number].items())
            Console().print(f"favourable extreme first: {words}", markup=False, soft_wrap=True)


def _tell(result: "ReplayResult", console: Console) -> None:
    from bot.lab.pages.summary import render_summary
    from bot.lab.story import severity_of, text_of

    for line in result.story:
        style = COLOURS[severity_of(line).value]
        console.print(text_of(line), style=style, markup=False, highlight=False, soft_wrap=True)
    table = Table(title=f"replay of {result.data}", title_justify="left", show_header=False)
    for label, value in render_summary(result):
        table.add_row(label, value)
    console.print(table)
    for caveat in result.caveats:
        console.print(caveat, style="dim", markup=False)
