"""The mix of faults of one seed: which kinds, how often, when; a list that can be shrunk."""

import random
from typing import Final

import msgspec

from bot.lab.simulation.chance import stream
from bot.lab.simulation.faults import Fault
from bot.lab.simulation.path import PRICES

SYMBOLS: Final = tuple(PRICES)
BORDERS: Final = (
    "intent_before", "intent_after", "submit_before", "submit_after", "cancel_after",
    "append_before", "append_after", "snapshot_before", "snapshot_after", "account_after",
    "order_before", "order_after", "any",
)  # fmt: skip


class Kind(msgspec.Struct, frozen=True):
    """How a kind of fault is drawn: how often an hour, how long, how likely, how large."""

    name: str
    per_h: float
    for_s: tuple[float, float] = (0.0, 0.0)
    chance: tuple[float, float] = (1.0, 1.0)
    size: tuple[float, float] = (0.0, 0.0)
    hows: tuple[str, ...] = ("",)
    always: bool = False
    """Whether every seed has it: without it nothing happens."""


KINDS: Final = (
    # the wire
    Kind("lose_request", 0.4, (60, 900), (0.01, 0.15)),
    Kind("lose_answer", 0.4, (60, 900), (0.01, 0.15)),
    Kind("late_accept", 0.3, (60, 900), (0.02, 0.3), (5, 120)),
    Kind("slow", 0.3, (60, 600), (0.05, 0.5), (0.5, 8)),
    Kind("no_route", 0.3, (30, 600), (0.02, 0.3)),
    Kind("busy", 0.2, (30, 300), (0.01, 0.1), (0.5, 5)),
    Kind("broken_adapter", 0.1, (30, 600), (0.01, 0.1)),
    Kind("outage", 0.25, (3, 120), hows=("black_hole", "503", "no_route")),
    Kind("ban", 0.1, (20, 180)),
    Kind("key_invalid", 0.05, (10, 90)),
    Kind("bad_symbol", 0.08, (30, 300)),
    # refusals
    Kind("refuse_stops", 0.3, (30, 600), (0.1, 1.0)),
    Kind("refuse_orders", 0.2, (30, 600), (0.02, 0.3)),
    Kind("api_moved", 0.08, (20, 300)),
    Kind("gap_in_flight", 0.4, (300, 1800), (0.2, 0.7), (0.002, 0.02)),
    Kind("reserved", 0.2, (300, 1800)),
    Kind("stuck_triggering", 0.3, (60, 900)),
    Kind("reject_triggered", 4.0),
    Kind("vanish", 0.5),
    # what it tells
    Kind("stale_account", 0.2, (30, 300), (0.2, 1.0), (0.5, 5)),
    Kind("empty_account", 0.2, (30, 600), (0.02, 0.2)),
    Kind("hidden_orders", 0.2, (10, 300), (0.1, 1.0)),
    Kind("hidden_order", 0.2, (30, 300), (0.1, 0.8)),
    Kind("user_down", 0.3, (1, 60)),
    Kind("user_silent", 0.3, (2, 30)),
    Kind("user_twice", 0.3, (300, 1800), (0.2, 1.0)),
    Kind("user_shuffled", 0.3, (300, 1800), (0.1, 0.6), (0.05, 2.0)),
    Kind("market_down", 0.2, (1, 60)),
    Kind("market_silent", 0.2, (5, 60)),
    # market, hands, account
    Kind("jump", 3.0, size=(-0.02, 0.02), always=True),
    Kind("through_the_stop", 1.0, size=(0.0002, 0.01), always=True),
    Kind("hand_close", 1.5, size=(0.2, 1.2), always=True),
    Kind("hand_open", 0.4, size=(0.3, 2.0), hows=("buy", "sell")),
    Kind("hand_limit", 0.1),
    Kind("hand_cancels", 0.3),
    Kind("adl", 0.2, size=(0.2, 1.0)),
    Kind("transfer", 0.2, size=(-2_000, 2_000)),
    Kind("set_leverage", 0.1, size=(5, 50)),
    Kind("hedge_mode", 0.03, hows=("hedge", "one-way", "one-way")),
    Kind("contract_changed", 0.2, hows=("coarser", "finer", "tiers")),
    Kind("funding_jump", 0.1, size=(-0.02, 0.02)),
    Kind("command", 0.8, size=(-1, 5), hows=("flatten", "resume", "resume", "reduce", "pause")),
    Kind("rearm", 1.0, always=True),
    # the host
    Kind("kill", 1.2, size=(0.3, 1.5), hows=("", *BORDERS), always=True),
    Kind("stop", 0.1, size=(0.3, 1.5)),
    Kind("block", 0.2, size=(0.5, 6.0)),
    Kind("clock_step", 0.1, size=(-10, 10)),
    Kind("disk_full", 0.15, (30, 900)),
    Kind("db_locked", 0.15, (5, 120), (0.3, 1.0)),
    Kind("slow_disk", 0.15, (30, 300), (0.2, 1.0), (0.1, 3.0)),
    Kind("telegram_hangs", 0.1, (60, 1800)),
    Kind("telegram_refuses", 0.1, (60, 1800)),
    # last, so that the kinds before it are drawn as ever
    Kind("lose_stops", 0.15, (20, 200), (0.2, 1.0)),
    Kind("hidden_triggering", 0.3, (120, 1800)),
    Kind("hand_stop", 0.15, size=(0.01, 0.05), hows=("buy", "sell")),
    Kind("disk_fills", 0.15, (30, 900)),
)  # fmt: skip
OFF_FRAC: Final = 0.45
"""How likely a kind is away from a seed altogether: rare paths need worlds without the loud ones.
"""
INTENSITIES: Final = (0.5, 1.0, 1.0, 3.0)


def draw(seed: int, hours: float) -> list[Fault]:
    """Return the faults of a seed by time; the same for the same seed and hours."""
    dice = stream(seed, "mix")
    found: list[Fault] = []
    for number, kind in enumerate(KINDS):
        off, intensity = dice.random() < OFF_FRAC, dice.choice(INTENSITIES)
        if off and not kind.always:
            continue
        own = stream(seed, f"mix:{kind.name}")
        at_s = 0.0
        while True:
            at_s += own.expovariate(kind.per_h * intensity / 3_600.0)
            if at_s >= hours * 3_600.0:
                break
            found.append(_one(kind, own, at_s, serial=number * 100_000 + len(found)))
    return sorted(found, key=lambda fault: (fault.at_s, fault.serial))


def _one(kind: Kind, dice: random.Random, at_s: float, serial: int) -> Fault:
    low_s, high_s = kind.for_s
    return Fault(
        kind=kind.name,
        at_s=round(at_s, 6),
        for_s=round(dice.uniform(low_s, high_s), 3),
        chance=round(dice.uniform(*kind.chance), 4),
        size=round(dice.uniform(*kind.size), 6),
        symbol=dice.choice(SYMBOLS),
        how=dice.choice(kind.hows),
        serial=serial,
    )
