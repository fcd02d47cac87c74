"""The screen of `watch`: what matters first, and never more lines than the terminal has."""

import io
from collections import deque
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from bot.app.cli import pages
from bot.app.cli.grid import moment, money, percent, price, seconds
from bot.app.cli.output import Document

TICKS = "▁▂▃▄▅▆▇█"
KEPT = 60
WIDE = 100
WORST = "bold red"


def sparkline(values: Sequence[float]) -> str:
    """Return one block a value, from the lowest to the highest; a flat line lies in the middle."""
    if not values:
        return ""
    low, span = min(values), max(values) - min(values)
    top = len(TICKS) - 1
    if span <= 0.0:
        return TICKS[top // 2] * len(values)
    return "".join(TICKS[round((value - low) / span * top)] for value in values)


class LivePage:
    """Remembers the last KEPT looks for its sparklines."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[float]] = {}

    def draw(self, seen: Document, console: Console) -> Text:
        """Return the screen for a terminal of the console's size."""
        lines = [*self._head(seen["status"]), *_positions(seen["positions"], console)]
        room = max(console.height - len(lines) - 2, 0)
        chain = seen["why"]["chain"][-room:] if room else []
        lines += [Text(""), *(Text(_decision(row)) for row in chain)]
        for line in lines:
            line.truncate(console.width, overflow="ellipsis")
        return Text("\n").join(lines[: console.height - 1])

    def _head(self, status: Document) -> list[Text]:
        bare = status["unprotected"]
        mode = str(status["mode"])
        told = Text(mode, style=pages.MODES.get(mode, WORST))
        told.append(f" {status['mode_reason'] or ''}  {moment(status['as_of'])} UTC", style="")
        equity = Text(
            f"equity {money(status['equity_usd'])} USD, today {money(status['day_result_usd'])}, "
            f"below the peak {percent(status['drawdown_frac'])}  {self._line('equity', status)}"
        )
        guarded = Text(
            f"NO FULL STOP: {', '.join(map(str, bare))}" if bare
            else f"{status['stops_working']} stops at the venue, every position has its own",
            style=WORST if bare else "green",
        )  # fmt: skip
        return [told, equity, guarded, *(self._market(row) for row in status["markets"])]

    def _market(self, row: Document) -> Text:
        name = str(row["symbol"]).split("/")[0]
        live = "" if row["feed_live"] else "  FEED DOWN"
        told = f"{name} {price(row['mark'])} ({seconds(row['mark_age_s'])} old)"
        line = Text(f"{told}  {self._noted(str(row['symbol']), row['mark'])}")
        line.append(live, style=WORST)
        return line

    def _line(self, name: str, status: Document) -> str:
        return self._noted(name, status["equity_usd"])

    def _noted(self, name: str, value: Any) -> str:  # noqa: ANN401 - JSON value
        kept = self._seen.setdefault(name, deque(maxlen=KEPT))
        if value is not None:
            kept.append(float(value))
        return sparkline(kept)


def _positions(answer: Document, console: Console) -> list[Text]:
    if not answer["positions"]:
        return [Text("nothing is held" if answer["account_known"] else "account not read yet")]
    if len(answer["positions"]) > 1 and console.width < WIDE:
        return [line for leg in answer["positions"] for line in _brief(leg)]
    # a console of its own: what is printed on a live one draws the whole screen once more
    aside = Console(file=io.StringIO(), width=console.width, force_terminal=True)
    with aside.capture() as capture:
        pages.positions(answer, aside)
    return list(Text.from_ansi(capture.get().rstrip()).split("\n"))


def _brief(leg: Document) -> list[Text]:
    """Two lines a leg, where a table would break its words and cards would fill the screen."""
    name = f"{str(leg['symbol']).split('/', 1)[0]} {leg['side']}"
    away = "no price liquidates it" if leg.get("liq_exists") is False else (
        f"liquidation {percent(leg['liq_distance_frac'])} away"
    )  # fmt: skip
    guard = f"stop {price(leg['stop_price'])}" if leg["protected"] else "NO FULL STOP"
    return [
        Text(f"{name} {leg['qty']} at {price(leg['entry_price'])}, mark {price(leg['mark'])}"),
        Text(f"  {guard}, {away}", style="" if leg["protected"] else WORST),
    ]


def _decision(row: Document) -> str:
    what = row.get("what") or row.get("kind") or ""
    reason = row.get("why") or row.get("reason") or ""
    return f"{moment(row.get('at'))[11:]}  {what}: {reason}"
