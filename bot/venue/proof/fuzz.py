"""Breaks sound frames in every way and looks for a crash, an unsound event or an invented number.

A number in an event must stand in the frame it came from: a default in place of a field that is
missing would not.
"""

import json
import math
import random
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from bot.domain.errors import VenueDataInvalid
from bot.venue.feeds.contracts import Contract
from bot.venue.feeds.reader import Decode, SenseReader
from bot.venue.proof.fuzz_frames import MS, SOUND
from bot.venue.reader import PublicReader
from bot.venue.streams import bybit, hyperliquid, okx

SYMBOL: Final = "BTC/USDT:USDT"
RECEIVED_NS: Final = (MS + 60_000) * 1_000_000
KEPT: Final = 5
"""How many findings of a kind are shown."""
FRESH_EVERY: Final = 64
"""Frames that one reader reads before a new one begins: memory must not hide anything."""
NASTY: Final[tuple[object, ...]] = (
    None, True, False, 0, -1, 1, 1e308, -0.0, 10**30, -(10**30), MS, "", " ", "0", "-1", "1", "NaN",
    "nan", "Infinity", "-inf", "1e400", "1e-400", "0x10", "1_0", " 1", "1 ", "+1", "01", "null",
    "true", "١", "Buy", "Sell", "buy", "long", "net", "A", "\u0000", "x" * 300, [], {}, [[]],
    [None], {"": None}, "9" * 40, "0." + "0" * 60 + "1", str(MS), str(MS * 1000), MS * 1000,
)  # fmt: skip
Report = dict[str, dict[str, object]]


class Reader(Protocol):
    """What both readers of frames can do."""

    def connected(self) -> None:
        """Begin a connection."""
        ...

    def read(self, raw: bytes | str, received_ns: int) -> object:
        """Return events or raise VenueDataInvalid."""
        ...


class Probe(NamedTuple):
    """How one venue is probed: its reader, and its decoder alone where the reader remembers."""

    make: Callable[[], Reader]
    decode: Decode | None


def probes() -> dict[str, Probe]:
    """Return a probe for each venue."""

    def sensed(venue: str, decode: Decode, name: str, size: float = 1.0) -> Probe:
        contract = Contract(symbol=SYMBOL, venue_id=name, qty_factor=size, interval_s=28_800)
        return Probe(lambda: SenseReader(venue, decode, [contract]), decode)

    return {
        "binance": Probe(lambda: PublicReader([SYMBOL]), None),
        "bybit": sensed("bybit", bybit.decode, "BTCUSDT"),
        "okx": sensed("okx", okx.decode, "BTC-USDT-SWAP", 0.01),
        "hyperliquid": sensed("hyperliquid", hyperliquid.decode, "BTC"),
    }


def fuzz_decoders(cases: int, seed: int) -> Report:
    """Feed `cases` broken frames to each venue's reader; the same seed breaks the same way.

    Returns, by venue: cases, sound, refused, silent, crashes and unfounded with examples, cases
    per second. Zero crashes and zero unfounded is the only good result.
    """
    return {
        venue: _Run(probe, [dict(frame) for frame in SOUND[venue]], f"{seed}/{venue}").go(cases)
        for venue, probe in probes().items()
    }


class _Run:
    def __init__(self, probe: Probe, frames: list[dict[str, object]], seed: str) -> None:
        self._make = probe.make
        self._decode = probe.decode
        self._frames = frames
        self._dice = random.Random(seed)  # noqa: S311 (to be repeated, not to be secret)
        self._counts = {"sound": 0, "refused": 0, "silent": 0}
        self._crashes: list[str] = []
        self._unfounded: list[str] = []

    def go(self, cases: int) -> dict[str, object]:
        began = time.perf_counter()
        reader = self._make()
        for number in range(cases):
            if number % FRESH_EVERY == 0:
                reader = self._make()
                reader.connected()
            self._one(reader, self._broken())
        took_s = time.perf_counter() - began
        return {
            "cases": cases,
            **self._counts,
            "crashes": len(self._crashes),
            "unfounded": len(self._unfounded),
            "examples": (self._crashes[:KEPT] + self._unfounded[:KEPT]),
            "per_s": round(cases / took_s) if took_s > 0 else 0,
        }

    def _one(self, reader: Reader, raw: bytes) -> None:
        try:
            events = reader.read(raw, RECEIVED_NS)
            told = events if self._decode is None else self._decode(raw)
        except VenueDataInvalid:
            self._counts["refused"] += 1
            return
        except Exception as crash:  # noqa: BLE001 (this is what is looked for)
            self._crashes.append(f"{type(crash).__name__}: {crash!s:.80} at {raw[:200]!r}")
            return
        self._counts["sound" if told else "silent"] += 1
        fault = unsound(events) or fault_of(told, raw)
        if fault:
            self._unfounded.append(f"{fault} at {raw[:300]!r}")

    def _broken(self) -> bytes:
        dice = self._dice
        frame = dice.choice(self._frames)
        if dice.random() < 0.7:
            frame = json.loads(json.dumps(frame))
            for _ in range(dice.choice((0, 1, 1, 1, 2, 3))):
                _break_field(frame, dice)
            return json.dumps(frame, ensure_ascii=dice.random() < 0.5).encode()
        return _break_bytes(json.dumps(frame).encode(), dice)


def _break_field(frame: dict[str, object], dice: random.Random) -> None:
    places = list(_places(frame))
    if not places:
        return
    place, kind = dice.choice(places), dice.random()
    if kind < 0.25 and isinstance(place.holder, dict):
        place.take_away()
    elif kind < 0.4:
        place.put(dice.choice(places).value())
    elif kind < 0.5 and isinstance(place.holder, list):
        place.holder.append(place.value())
    else:
        place.put(dice.choice(NASTY))


class _Place:
    """One place in a frame where a value stands."""

    def __init__(self, holder: Any, key: str | int) -> None:  # noqa: ANN401  (a dict or a list)
        self.holder = holder
        self.key = key

    def value(self) -> object:
        return deepcopy(self.holder[self.key])

    def put(self, value: object) -> None:
        self.holder[self.key] = deepcopy(value)

    def take_away(self) -> None:
        del self.holder[self.key]


def _places(value: object) -> Iterator[_Place]:
    items = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        items = dict(enumerate(value)).items()
    for key, inner in items:
        yield _Place(value, key)
        yield from _places(inner)


def _break_bytes(raw: bytes, dice: random.Random) -> bytes:
    data = bytearray(raw)
    for _ in range(dice.choice((1, 1, 2, 5))):
        at = dice.randrange(len(data) + 1)
        kind = dice.randrange(5)
        if kind == 0:
            data[at : at + 1] = bytes([dice.randrange(256)])
        elif kind == 1:
            del data[at : at + dice.randrange(1, 9)]
        elif kind == 2:
            data[at:at] = dice.choice((b'"', b"{", b"]", b",", b"\xff", b"0", b"-", b"\\", b"null"))
        elif kind == 3:
            del data[at:]
        else:
            start = dice.randrange(len(data) + 1)
            data[at:at] = data[start : start + dice.randrange(1, 20)]
    return bytes(data)


def unsound(events: object) -> str:
    """Return which number of `events` is not finite, or nothing."""
    for name, value in _numbers_of(msgspec.to_builtins(events)):
        if not math.isfinite(value):
            return f"{name} is {value}"
    return ""


def fault_of(told: object, raw: bytes) -> str:
    """Return which number of `told` does not stand in the frame `raw`, or nothing."""
    try:
        there = set(_leaves(json.loads(raw)))
    except (ValueError, RecursionError):
        return ""  # readable for one parser and not for another: nothing to compare with
    for name, value in _numbers_of(msgspec.to_builtins(told)):
        if name in _MADE or value in there or (name == "buy_qty" and value == 0.0):
            continue
        return f"{name} {value!r} is not in the frame"
    return ""


_MADE: Final = frozenset({"received_ns", "event_ns", "next_ns", "interval_s", "count"})
"""Instants are scaled and stamped; an interval may come from the listing."""


def _numbers_of(value: object, name: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers_of(inner, str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _numbers_of(inner, name)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield name, value


def _leaves(value: object) -> Iterator[float]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value) if abs(value) < 1e300 else math.inf
    elif isinstance(value, str):
        try:
            yield float(value)
        except ValueError:
            return
