"""The senses over recorded markets, bar by bar without look-ahead: the figures they owe."""

import os
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from bot.domain.units import NS_PER_H, NS_PER_MIN
from bot.kernel.assess.judge import Assessment
from tests.unit.kernel.sense.tape import judged, recorded

SHARED = Path(os.environ.get("BREAKWATER_SHARED", Path(__file__).resolve().parents[5] / "shared"))
DATA = SHARED / "market-data"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_dir(), reason="no recorded market data beside the project"),
]


@lru_cache(maxsize=2)
def walk(folder: str, asset: str) -> tuple[Assessment, ...]:
    """Return the assessments at every close of a bar, or every quarter of an hour."""
    symbol = f"{asset}/USDT:USDT"
    every = 1 if folder == "2026-01-cascade" else 3
    return tuple(judged(recorded(DATA / folder, symbol), symbol, every=every))


def ns(text: str) -> int:
    return int(np.datetime64(text, "ns").astype(np.int64))


def hours(found: tuple[Assessment, ...]) -> list[Assessment]:
    """Return the last assessment of every hour."""
    return list({(each.ns - 1) // NS_PER_H: each for each in found}.values())


def share(found: list[Assessment], *, at_most: int) -> float:
    return sum(each.threat <= at_most for each in found) / len(found)


@pytest.mark.parametrize(
    ("folder", "asset", "least"),
    [
        ("2025-12-calm", "BTC", 0.95),
        ("2025-04-rally", "BTC", 0.88),
        ("2025-12-calm", "ETH", 0.90),
        ("2025-04-rally", "ETH", 0.80),
    ],
)
def test_a_quiet_market_is_left_alone(folder: str, asset: str, least: float) -> None:
    found = hours(walk(folder, asset))
    assert share(found, at_most=2) >= least
    assert not any(each.reset for each in found)


class TestCascade:
    def test_the_reports_of_the_first_of_february(self) -> None:
        at = next(a for a in walk("2026-01-cascade", "BTC") if a.ns == ns("2026-02-01T14:55"))
        assert at.pulse == pytest.approx(37.4, abs=2.0)
        assert at.stress == pytest.approx(90.8, abs=2.0)
        assert (at.threat, at.threat_word) == (4, "High")

    @pytest.mark.parametrize(
        ("start", "end"), [("2026-01-31T18:00", "2026-02-03"), ("2026-02-05", "2026-02-07")]
    )
    def test_the_worst_days_are_high(self, start: str, end: str) -> None:
        inside = [a for a in walk("2026-01-cascade", "BTC") if ns(start) <= a.ns < ns(end)]
        assert 1.0 - share(inside, at_most=3) >= 0.95

    def test_the_reset_has_its_hours_and_its_evidence(self) -> None:
        resets = [a for a in hours(walk("2026-01-cascade", "BTC")) if a.reset]
        days = {str(np.datetime64(a.ns, "ns"))[:10] for a in resets}
        assert {"2026-02-01", "2026-02-06"} <= days <= {"2026-01-31", "2026-02-01", "2026-02-06"}
        for each in resets:
            text = " ".join(each.flush.evidence)
            assert "open interest -" in text
            assert "an ordinary day" in text
            assert not each.flush.partial


@pytest.mark.parametrize(
    ("folder", "broke", "limit_min"),
    [("2025-10-crash", "2025-10-10T20:50", 30), ("2024-08-unwind", "2024-08-05T00:15", 60)],
)
def test_a_crash_is_high_in_time(folder: str, broke: str, limit_min: int) -> None:
    first = next(a for a in walk(folder, "BTC") if a.threat >= 4 and a.ns >= ns(broke))
    assert first.ns - ns(broke) <= limit_min * NS_PER_MIN
