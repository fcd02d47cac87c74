"""`breakwater bench`: how fast is it on this machine?"""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from bot.app.cli.grid import facts
from bot.app.cli.home import open_home
from bot.app.cli.output import Document, JsonFlag, show, wants_json, whisper
from bot.domain.errors import ConfigInvalid


def register(app: typer.Typer) -> None:
    """Add the group to the command line; without a word after it, it measures the house."""
    group = typer.Typer(rich_markup_mode=None)
    group.callback(invoke_without_command=True)(bench)
    group.command()(lab)
    app.add_typer(group, name="bench")


def bench(
    context: typer.Context,
    *,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Replay this; else a made-up market.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Measure steps, messages, senses, folds, replay, daemon start and fill-to-stop."""
    if context.invoked_subcommand is not None:
        return
    from bot.app.cli.bench_daemon import bench_daemon
    from bot.app.clock import SystemClock
    from bot.lab.bench.kernel import bench_kernel, bench_replay
    from bot.lab.bench.messages import bench_messages
    from bot.lab.bench.senses import bench_assessment, bench_fold

    home, clock = open_home(), SystemClock()
    whisper("kernel: 20 symbols, four of them held")
    kernel = bench_kernel(clock, steps=5_000 if quick else 100_000)
    whisper("messages: 20,000 a second over 20 symbols, from a socket; then ccxt's parse of them")
    messages = bench_messages(clock, seconds=2.0 if quick else 15.0)
    whisper("senses: the quiet band's fold, and a whole judgement of 20 symbols")
    quiet = bench_fold(clock, trades=200_000 if quick else 2_000_000)
    judged = bench_assessment(clock, rounds=60 if quick else 240)
    whisper("replay: a guarded position")
    replay = bench_replay(clock, data, bars=1_000 if quick else 8_000)
    whisper("daemon: start; then positions opened by hand, until each has its stop")
    daemon = bench_daemon(home.places, clock, 8 if quick else 200)
    figures = {
        "kernel_step": kernel,
        "messages": messages,
        "quiet_band": quiet,
        "assessment": judged,
        "replay": replay,
        "daemon": daemon,
    }
    show(figures, _render, as_json=as_json)


def lab(
    *,
    work: Annotated[
        Literal["w1", "w2", "w3"],
        typer.Option(help="A year of bars, a day of events, or 1,000 sets over the bars."),
    ] = "w1",
    engine: Annotated[
        Literal["compiled", "kernel"],
        typer.Option(help="The compiled loops; for w1 also the kernel, event by event."),
    ] = "compiled",
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where bars.npz and events.npz lie, or are made."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Play one piece of the public bench work."""
    from bot.app.clock import SystemClock, cpu_s
    from bot.lab.bench.yearly import run_year
    from bot.lab.fast.work import run_work

    folder = data or open_home().places.state / "bench"
    if engine == "kernel":
        if work != "w1":
            raise ConfigInvalid(f"--engine kernel --work {work}: the kernel plays w1 alone")
        figures = run_year(folder, cpu_s)
    else:
        figures = run_work(work, folder, SystemClock(), cpu_s)
    show({"lab": figures} if not wants_json(as_json) else figures, _render, as_json=as_json)


def _render(document: Document, console: Console) -> None:
    for part, figures in document.items():
        rows = [
            (key, f"{value:,.2f}" if isinstance(value, float) else str(value))
            for key, value in figures.items()
        ]
        console.print(facts(part, rows))
