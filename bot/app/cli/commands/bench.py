"""`breakwater bench`: how fast is it on this machine?"""

from typing import Annotated, Any

import typer
from rich.console import Console

from bot.app.cli.grid import facts
from bot.app.cli.home import open_home
from bot.app.cli.output import Document, JsonFlag, show, whisper


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(bench)


def bench(
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Measure kernel step, replay rate, daemon start and fill-to-stop over loopback."""
    from bot.app.bench_daemon import daemon_figures
    from bot.app.bench_kernel import kernel_figures, replay_figures
    from bot.app.clock import SystemClock

    home, clock = open_home(), SystemClock()
    whisper("kernel: 20 symbols, market events")
    figures: dict[str, Any] = dict(kernel_figures(clock, 20_000 if quick else 200_000))
    days = 3 if quick else 20
    whisper(f"replay: {days} days of five-minute bars")
    figures |= replay_figures(clock, home.settings, days)
    whisper("daemon: start, then positions opened by hand until each has its stop")
    figures |= daemon_figures(home.places, clock, 8 if quick else 40)
    show(figures, _render, as_json=as_json)


def _render(document: Document, console: Console) -> None:
    console.print(facts("bench", [(key, str(value)) for key, value in document.items()]))
