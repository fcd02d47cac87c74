"""Recorded truth of a venue: taken on a read-only tour, replayed through ccxt and our decoders.

A fixture is a file of JSON lines: a header, pairs, frames, and what the decoders made of them when
it was recorded. A later program, or a later ccxt, that makes something else of them shows here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec

from bot.domain.errors import DataInvalid, VenueDataInvalid, VenueError
from bot.domain.exchanges import Exchange
from bot.domain.units import NS_PER_H
from bot.ports import Clock, Venue
from bot.venue.open import open_room
from bot.venue.proof.fuzz import Reader, probes
from bot.venue.reader import PublicReader
from bot.venue.room import VenueConfig
from bot.venue.tape import Frame, Pair, Player, Recorder, taping

FORMAT: Final = 1
BACK_NS: Final = 48 * NS_PER_H
NOBODY: Final = "bw00000000-0-0"
"""A client order id that no venue knows: its refusal is part of the truth."""
PASSING: Final = frozenset({"received_ns", "event_ns_of_reading"})
KEYS: Final = {"hyperliquid": ("0x" + "ab" * 20, "0x" + "11" * 32)}
ANY_KEY: Final = ("replay-key", "replay-secret")
CHANGES_MAX: Final = 200
Told = dict[str, Any]


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What a fixture is of."""

    breakwater_fixture: int
    exchange: Exchange
    mode: str
    symbols: tuple[str, ...]
    ccxt: str
    recorded_ns: int


class Fixture(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded venue."""

    header: Header
    pairs: list[Pair]
    frames: list[Frame]
    told: Told
    """What the decoders made of it when it was recorded, by step of the tour."""


class StoodClock:
    """A clock that stands at the instant of the recording; waiting takes its time."""

    def __init__(self, at_ns: int, clock: Clock) -> None:
        self._at_ns = at_ns
        self._clock = clock

    def now_ns(self) -> int:
        """Return the instant of the recording."""
        return self._at_ns

    def monotonic_ns(self) -> int:
        """Return the real monotonic clock: limits of rate go by it."""
        return self._clock.monotonic_ns()

    async def sleep_s(self, seconds: float) -> None:
        """Wait."""
        await self._clock.sleep_s(seconds)


async def record(
    config: VenueConfig, clock: Clock, *, seconds: float, clean: Callable[[str], str]
) -> Fixture:
    """Ask a venue everything that changes nothing, hear its streams for `seconds`, keep it all.

    Raises:
        ConfigInvalid: the room cannot be opened.
        DataInvalid: what was recorded cannot be replayed by this very program.
    """
    kept = Recorder(clean)
    recorded_ns = clock.now_ns()
    with taping(kept):
        room = await open_room(config, clock)
        try:
            await tour(room.venue, config.symbols, recorded_ns)
            pairs = list(kept.pairs)  # what streams ask for themselves is not asked in a replay
            if seconds > 0.0:
                await _hear(room.public.run, seconds)
        finally:
            await room.close()
    header = Header(
        breakwater_fixture=FORMAT,
        exchange=config.exchange,
        mode=config.mode,
        symbols=config.symbols,
        ccxt=version("ccxt"),
        recorded_ns=recorded_ns,
    )
    fixture = Fixture(header=header, pairs=pairs, frames=kept.frames, told={})
    told, missing, _ = await replay(fixture, clock)
    if missing:
        raise DataInvalid(f"the recording does not answer its own questions: {missing[0]}")
    return Fixture(header=header, pairs=pairs, frames=kept.frames, told=told)


async def _hear(run: Callable[[Callable[[object], None]], Awaitable[None]], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await run(lambda _: None)
    except TimeoutError:
        return


async def tour(venue: Venue, symbols: Sequence[str], now_ns: int) -> Told:
    """Return what each reading of a venue gives, errors included; nothing is changed there."""
    since_ns = now_ns - BACK_NS
    told: Told = {"instruments": await _step(venue.instruments(symbols))}
    told["account"] = await _step(venue.account())
    told["income"] = await _step(venue.income(since_ns))
    for symbol in symbols:
        told[f"candles {symbol}"] = await _step(venue.candles(symbol, 3_600, since_ns, 100))
        told[f"open interest {symbol}"] = await _step(venue.open_interest(symbol))
        told[f"fills {symbol}"] = await _step(venue.fills(symbol, since_ns))
        for conditional in (False, True):
            name = f"unknown {'conditional ' if conditional else ''}order {symbol}"
            told[name] = await _step(venue.order(symbol, NOBODY, conditional=conditional))
    return told


async def _step(asked: Awaitable[object]) -> object:
    try:
        found = await asked
    except VenueError as error:
        return {"error": type(error).__name__, "words": str(error)}
    return _plain(msgspec.to_builtins(found))


def _plain(value: Any) -> Any:  # noqa: ANN401 (any JSON)
    """Leave out when something was heard: it is another instant each time."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if key not in PASSING}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


async def replay(fixture: Fixture, clock: Clock) -> tuple[Told, list[str], list[str]]:
    """Return what this program makes of a recording, what it asks that is not there, and the rest.

    The third value: questions that were recorded and are no longer asked.
    """
    header, player = fixture.header, Player(fixture.pairs)
    key, secret = KEYS.get(header.exchange, ANY_KEY)
    config = VenueConfig(
        mode="paper",
        exchange=header.exchange,
        symbols=header.symbols,
        api_key=key,
        api_secret=secret,
        base_url="http://127.0.0.1:9",
        ws_url="ws://127.0.0.1:9",
        read_only=True,
    )
    with taping(player):
        room = await open_room(config, StoodClock(header.recorded_ns, clock))
        try:
            told = await tour(room.venue, header.symbols, header.recorded_ns)
        finally:
            await room.close()
    told["frames"] = _decoded(fixture)
    return told, player.missing, player.unheard


def _decoded(fixture: Fixture) -> list[object]:
    """Return the events of each recorded frame, or why it was refused."""
    readers: dict[str, Reader] = {}
    found: list[object] = []
    for frame in fixture.frames:
        if frame.stream not in readers:
            readers[frame.stream] = _reader(fixture.header)
            readers[frame.stream].connected()
        try:
            events = readers[frame.stream].read(frame.text, frame.received_ns)
        except VenueDataInvalid as error:
            found.append({"refused": str(error)})
            continue
        found.append(msgspec.to_builtins(events))
    return found


def _reader(header: Header) -> Reader:
    if header.exchange == "binance":
        return PublicReader(header.symbols)
    return probes()[header.exchange].make()


async def diff(fixture: Fixture, clock: Clock) -> dict[str, object]:
    """Return what changed since the recording; `same` is True when nothing did."""
    told, missing, unheard = await replay(fixture, clock)
    changes = changed(fixture.told, told)
    return {
        "same": not changes and not missing and not unheard,
        "exchange": fixture.header.exchange,
        "mode": fixture.header.mode,
        "ccxt_then": fixture.header.ccxt,
        "ccxt_now": version("ccxt"),
        "pairs": len(fixture.pairs),
        "frames": len(fixture.frames),
        "asked_anew": missing,
        "no_longer_asked": unheard,
        "changes": changes[:CHANGES_MAX],
        "changes_in_all": len(changes),
    }


def changed(then: Any, now: Any, at: str = "") -> list[dict[str, object]]:  # noqa: ANN401 (JSON)
    """Return each place where two JSON values differ, deepest place named."""
    if isinstance(then, dict) and isinstance(now, dict):
        found = []
        for key in [*then, *(key for key in now if key not in then)]:
            place = f"{at}.{key}" if at else str(key)
            if key not in then or key not in now:
                found.append({"at": place, "then": then.get(key), "now": now.get(key)})
            else:
                found += changed(then[key], now[key], place)
        return found
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        pairs = zip(then, now, strict=True)
        return [
            each for i, (old, new) in enumerate(pairs) for each in changed(old, new, f"{at}[{i}]")
        ]
    return [] if then == now else [{"at": at, "then": then, "now": now}]


def save(fixture: Fixture, path: Path) -> None:
    """Write a fixture. Raises DataInvalid when the file cannot be written."""
    lines = [msgspec.json.encode(fixture.header)]
    lines += [msgspec.json.encode({"pair": pair}) for pair in fixture.pairs]
    lines += [msgspec.json.encode({"frame": frame}) for frame in fixture.frames]
    lines.append(msgspec.json.encode({"told": fixture.told}))
    try:
        path.write_bytes(b"\n".join(lines) + b"\n")
    except OSError as error:
        raise DataInvalid(f"{path}: cannot be written: {error.strerror}") from None


class _Line(msgspec.Struct):
    pair: Pair | None = None
    frame: Frame | None = None
    told: Told | None = None


def load(path: Path) -> Fixture:
    """Read a fixture.

    Raises:
        DataInvalid: it cannot be read, or a line of it is none; the line is named.
    """
    try:
        rows = path.read_bytes().splitlines()
    except OSError as error:
        raise DataInvalid(f"{path}: cannot be read: {error.strerror}") from None
    number = 1
    try:
        header = msgspec.json.decode(rows[0], type=Header)
        lines = []
        for number, row in enumerate(rows[1:], start=2):  # noqa: B007 (told in the error)
            lines.append(msgspec.json.decode(row, type=_Line))
    except (msgspec.DecodeError, IndexError) as error:
        raise DataInvalid(f"{path}: line {number} is not of a fixture: {error}") from None
    if header.breakwater_fixture != FORMAT:
        raise DataInvalid(
            f"{path}: format {header.breakwater_fixture}, this program knows {FORMAT}"
        )
    return Fixture(
        header=header,
        pairs=[line.pair for line in lines if line.pair is not None],
        frames=[line.frame for line in lines if line.frame is not None],
        told=next((line.told for line in reversed(lines) if line.told is not None), {}),
    )
