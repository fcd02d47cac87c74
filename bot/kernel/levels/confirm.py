"""How well a break or a hold is confirmed: a score with its evidence, never a gate."""

from collections.abc import Iterator

import msgspec

from bot.kernel.levels.state import ZoneLike
from bot.kernel.levels.zone_machine import SWEEP_HELD

VOLUME_MIN = 1.5
"""Times the median volume that makes a bar's volume speak."""
INTEREST_MIN_FRAC = 0.005


class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """The share of the known signs that confirm; None while no sign is known."""

    score: float | None
    evidence: tuple[str, ...]


def confirmation(
    zone: ZoneLike,
    *,
    volume_ratio: float | None = None,
    interest_change_frac: float | None = None,
    funding_8h_frac: float | None = None,
    burst: bool | None = None,
) -> Confirmation:
    """Judge a zone that was just BROKEN, or HELD after a sweep, by what else is known.

    `volume_ratio` is the bar's volume over the median, `interest_change_frac` the change of open
    interest in coins since the move began, `burst` whether liquidations burst. Unknown is None.
    """
    if zone.state == "BROKEN":
        signs = list(_break_signs(volume_ratio, interest_change_frac, burst=burst))
    elif zone.state == "HELD" and zone.note == SWEEP_HELD:
        signs = list(_sweep_signs(zone.side, interest_change_frac, funding_8h_frac, burst=burst))
    else:
        return Confirmation(score=None, evidence=())
    if not signs:
        return Confirmation(score=None, evidence=())
    return Confirmation(
        score=sum(true for true, _ in signs) / len(signs),
        evidence=tuple(text for _, text in signs),
    )


def _break_signs(
    volume_ratio: float | None, interest: float | None, *, burst: bool | None
) -> Iterator[tuple[bool, str]]:
    """A break is real when it is traded, and when new positions are opened behind it."""
    if volume_ratio is not None:
        yield volume_ratio > VOLUME_MIN, f"volume {volume_ratio:.1f} times the median"
    if interest is not None:
        opened = interest > INTEREST_MIN_FRAC
        yield opened, f"open interest {interest:+.1%}: {'new positions' if opened else 'stops run'}"
    if burst is not None:
        yield burst, "liquidations burst" if burst else "liquidations quiet"


def _sweep_signs(
    side: int, interest: float | None, funding: float | None, *, burst: bool | None
) -> Iterator[tuple[bool, str]]:
    """A failed break is real when stops were run, and when the crowd stands on the wrong side."""
    if interest is not None:
        run = interest < -INTEREST_MIN_FRAC
        yield run, f"open interest {interest:+.1%}: {'stops run' if run else 'no positions closed'}"
    if funding is not None:
        wrong = side * funding < 0.0
        yield (
            wrong,
            f"funding {funding:+.4%} per 8 h: the crowd {'is' if wrong else 'is not'} caught",
        )
    if burst is not None:
        yield burst, "liquidations burst" if burst else "liquidations quiet"
