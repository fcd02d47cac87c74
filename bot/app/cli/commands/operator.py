"""`breakwater pause|resume|reduce|flatten|rearm`: orders to a running daemon."""

from typing import Annotated, Literal

import typer

from bot.app.cli import pages
from bot.app.cli.home import open_home
from bot.app.cli.output import JsonFlag, leave, show
from bot.app.cli.reach import order_daemon

REFUSED = 3
SymbolOption = Annotated[str, typer.Option(help="Only this contract, e.g. BTC/USDT:USDT.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (pause, resume, reduce, flatten, rearm, mode, limits):
        app.command()(command)


def pause(*, as_json: JsonFlag = False) -> None:
    """Take no new risk; stops, cuts and exits go on."""
    _order("pause", {}, as_json=as_json)


def resume(*, as_json: JsonFlag = False) -> None:
    """Allow new risk again."""
    _order("resume", {}, as_json=as_json)


def reduce(
    *,
    fraction: Annotated[
        float, typer.Argument(min=0.0, max=1.0, help="Share of what is held, e.g. 0.5.")
    ],
    symbol: SymbolOption = "",
    as_json: JsonFlag = False,
) -> None:
    """Close a share of every position, at the market, reduce-only."""
    _order("reduce", {"fraction": repr(fraction), "symbol": symbol}, as_json=as_json)


def flatten(
    *,
    only: Annotated[str, typer.Argument(metavar="[SYMBOL]", help="As --symbol.")] = "",
    symbol: SymbolOption = "",
    as_json: JsonFlag = False,
) -> None:
    """Close everything at the market and pause."""
    _order("flatten", {"symbol": symbol or only}, as_json=as_json)


def rearm(
    *,
    code: Annotated[str, typer.Argument(help="The code that rearm without one tells.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """After the loss budget was used: begin a new one from today's equity."""
    _order("rearm", {"code": code}, as_json=as_json)


def mode(
    *,
    symbol: Annotated[str, typer.Argument(help="Contract, e.g. BTC/USDT:USDT.")],
    side: Annotated[Literal["long", "short"], typer.Argument(help="Side of the position.")],
    name: Annotated[
        Literal["normal", "graceful_stop", "tp_only", "panic", "manual"],
        typer.Argument(metavar="MODE", help="What is done with it from now on."),
    ],
    target: Annotated[float | None, typer.Option(help="tp_only: where it is closed.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Choose how a position opened by hand is guarded, a symbol and side; kept over restarts."""
    price = "" if target is None else repr(target)
    args = {"symbol": symbol, "side": side, "mode": name, "target": price}
    _order("mode", args, as_json=as_json)


def limits(
    *,
    code: Annotated[str, typer.Argument(help="The code that limits without one tells.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Show limits that wait to be loosened; with their code, confirm them."""
    _order("limits", {"code": code}, as_json=as_json)


def _order(name: str, args: dict[str, str], *, as_json: bool) -> None:
    given = {key: value for key, value in args.items() if value}
    answer = order_daemon(open_home().places.socket, name, given)
    show(answer, pages.answer, as_json=as_json)
    if not answer["accepted"]:
        leave(REFUSED)
