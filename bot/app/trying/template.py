"""The commented example that `breakwater new-strategy` writes, and its test."""

import keyword
import re
from pathlib import Path

from bot.domain.errors import ConfigInvalid

STRATEGY = '''"""TODO: one sentence on what {title} trades, and why it should pay."""

from bot.sdk import (
    Atr,
    Intent,
    Leaving,
    Memory,
    PositionSide,
    Setup,
    Share,
    View,
    stop_beyond,
    wish,
    worst_of,
    zones_ahead,
)


class Params(Leaving, frozen=True):
    """Every number has a default and bounds; [strategies.params.{name}] changes it.

    `Leaving` brings those of the way out: break_even_r, trail_atr (off), trail_from_r, life_h.
    """

    strength_min: Share = 0.9
    """How strong a zone must be to serve as a target: 1 is one that people named."""
    stop_atr: Atr = 0.25


class {title}(Setup[Params]):
    """TODO: what it does, in one line; `breakwater strategies` shows it."""

    # `Setup` keeps the numbers in self.params and begins without memory: a `start` of your own
    # returns the first memory, a flat dict of numbers and texts that is kept across restarts.
    numbers = Params
    # The name is the file's name.
    name = "{name}"
    # It is not asked before these are known: contract, range, hours, zones, judgement, funding,
    # open_interest.
    needs = ("contract", "range", "zones", "hours", "judgement")
    # Nor before so many bars of the decision timeframe have closed.
    warmup_bars = 12

    def evaluate(self, view: View, memory: Memory) -> tuple[Memory, tuple[Intent, ...]]:
        """Say what is wished after a closed bar. Pure: same view and memory, same answer.

        Return a new memory instead of changing the one that was handed in.
        """
        # The example: an hour that closed above the range of the hour before it is bought, with
        # the stop behind both hours. The house refuses what does not pay its costs or 1.5 times
        # its risk, so most of these are never traded.
        hours = view.hours(2)
        if not view.hour_closed or len(hours) < 2 or hours[-1].close <= hours[-2].high:
            return memory, ()
        side = PositionSide.LONG
        return memory, wish(
            view,
            side,
            # A quarter of an hourly range behind the worst price, in no zone, on no round number.
            stop_beyond(view, worst_of(hours, side), side, self.params.stop_atr),
            # Equal parts are closed at the next two zones. How much is traded follows from the
            # stop and the risk limits: a strategy never names a quantity.
            zones_ahead(view, side, self.params.strength_min),
            name=self.name,
            # One signal trades once: the key must be the same whenever the same thing is seen.
            key=f"{{view.close_ns}}",
            reason=f"the hour closed at {{hours[-1].close:.8g}}, over the one before it",
            rules=self.params.exits,
        )
'''

TEST = '''"""What {name} wishes, on markets written by hand."""

from pathlib import Path

from bot.app.trying.discover import find_strategies
from bot.sdk import PositionSide
from tests.fakes.strategy_scene import flat, judged, named, scene

FOLDER = Path(__file__).resolve().parents[3] / "{folder}"
ZONE_ABOVE = named(78_000.0, 78_100.0, -1)
TURNED = [*flat(76_000.0, 5), (76_000.0, 76_500.0, 75_950.0, 76_400.0)]


def wishes(**more):
    (strategy,) = find_strategies(FOLDER, ["{name}"])
    given = {{
        "bars": flat(76_400.0, 20), "hours": TURNED, "zones": [ZONE_ABOVE],
        "assessment": judged(),
    }} | more  # fmt: skip
    return strategy.evaluate(scene(**given), strategy.start())[1]


def test_the_setup_is_wished() -> None:
    (wish,) = wishes()
    assert wish.side is PositionSide.LONG
    assert wish.stop_price < 75_900.0
    assert wish.target_price == 78_000.0


def test_an_hour_inside_the_one_before_it_is_nothing() -> None:
    assert wishes(hours=flat(76_000.0, 6)) == ()


def test_a_high_threat_blocks_it() -> None:
    assert wishes(assessment=judged(threat=4)) == ()
'''
NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")


def write_example(root: Path, folder: Path, name: str) -> tuple[Path, Path]:
    """Write strategy and test; return their paths. Nothing that exists is written over.

    Raises:
        ConfigInvalid: the name is none, a file is there already, or cannot be written.
    """
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise ConfigInvalid(
            f"NAME: was {name!r:.40}, must be 2 to 40 small letters, digits and underscores, "
            "a letter first"
        )
    strategy = folder / f"{name}.py"
    test = root / "tests" / "unit" / "strategies" / f"test_{name}.py"
    for path in (strategy, test):
        if path.exists():
            raise ConfigInvalid(f"{path}: exists already; choose another name")
    title = "".join(part.capitalize() for part in name.split("_"))
    below = folder.resolve().relative_to(root.resolve()) if _is_below(folder, root) else folder
    for path, text in ((strategy, STRATEGY), (test, TEST)):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.format(name=name, title=title, folder=below), encoding="utf-8")
        except OSError as error:
            raise ConfigInvalid(f"{path}: {error.strerror}") from None
    return strategy, test


def _is_below(folder: Path, root: Path) -> bool:
    return folder.resolve().is_relative_to(root.resolve())
