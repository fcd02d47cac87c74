"""A replay kept on disk as it goes: everything that is not in the material, whole or not at all."""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from bot.domain.errors import ConfigInvalid, DataInvalid
from bot.domain.orders import PositionSide, Purpose
from bot.lab.material import Material
from bot.lab.options import EquityPoint, FillMark, ReplayOptions, StopMark, StoryLine
from bot.lab.stage import Pending, Stage

EVERY: Final = 20_000
"""Instants between two writes."""
Side = tuple[str, PositionSide]
Kept = TypeVar("Kept", bound=msgspec.Struct)


class _Stage(msgspec.Struct):
    now_ns: int
    events: int
    fills: list[FillMark]
    stops: list[StopMark]
    stops_filled: int
    refused: int
    signals: int
    actions: list[StoryLine]
    next_ns: int | None
    pending: list[Pending]
    left: int
    follow_ns: int
    purposes: dict[str, Purpose]
    last_stop: dict[str, float]


class _Equity(msgspec.Struct):
    worst_margin_ratio: float
    wallet_usd: float
    peak_usd: float
    max_drawdown_frac: float
    max_drawdown_ns: int
    marks: dict[str, float]
    legs: dict[Side, tuple[float, float]]
    margins: dict[Side, float]


class _Cover(msgspec.Struct):
    since: dict[Side, int]
    longest_ns: int
    total_ns: int


class _Tally(msgspec.Struct):
    fees_usd: Decimal
    funding_usd: Decimal
    trades: int
    wins: int
    liquidated: list[str]
    open: dict[tuple[str, PositionSide | None], tuple[Decimal, Decimal]]


class _Story(msgspec.Struct):
    lines: list[StoryLine]
    refusals: int
    last: dict[tuple[str, str, str], str]
    wishes: set[str]


class Walk(msgspec.Struct):
    """What the walk over the instants itself remembers."""

    opened: bool
    day: int
    high_first: list[bool]
    last: dict[str, float]
    worst_usd: float
    curve: list[EquityPoint]


class _Checkpoint(msgspec.Struct):
    asked: str
    done: int
    """Instants that were played."""
    kernel: bytes | None
    exchange: bytes
    stage: _Stage
    equity: _Equity
    cover: _Cover
    tally: _Tally
    story: _Story
    walk: Walk


class Checkpoints:
    """The file of one replay; `walk` is whoever carries the fields of Walk."""

    def __init__(self, path: Path, options: ReplayOptions, material: Material) -> None:
        self._path = path
        self._asked = _digest(options, material)

    def resume(self, stage: Stage, walk: object) -> int:
        """Put everything back as it was kept; return how many instants were played, 0 of none.

        Raises:
            DataInvalid: the file cannot be read.
            ConfigInvalid: it belongs to another replay.
        """
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise DataInvalid(f"--resume {self._path}: {error.strerror}") from None
        try:
            kept = msgspec.msgpack.decode(data, type=_Checkpoint)
        except (msgspec.DecodeError, ValueError) as error:
            line = str(error)[:120]
            raise DataInvalid(
                f"--resume {self._path}: cannot be read ({line}): remove it"
            ) from None
        if kept.asked != self._asked:
            raise ConfigInvalid(
                f"--resume {self._path}: belongs to another replay (data or options differ):"
                " choose another file, or remove it"
            )
        stage.exchange.restore(kept.exchange)
        if stage.kernel is not None and kept.kernel is not None:
            stage.kernel.restore(kept.kernel)
        for owner, part in _parts(stage, walk, kept):
            _put(owner, part)
        return kept.done

    def keep(self, done: int, stage: Stage, walk: object) -> None:
        """Write everything beside the file, and put it in its place.

        Raises:
            DataInvalid: it cannot be written.
        """
        kept = _Checkpoint(
            asked=self._asked,
            done=done,
            kernel=stage.kernel.freeze() if stage.kernel is not None else None,
            exchange=stage.exchange.to_bytes(),
            stage=_take(stage, _Stage),
            equity=_take(stage.equity, _Equity),
            cover=_take(stage.cover, _Cover),
            tally=_take(stage.tally, _Tally),
            story=_take(stage.story, _Story),
            walk=_take(walk, Walk),
        )
        half = self._path.with_name(f".{self._path.name}.half")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            half.write_bytes(msgspec.msgpack.encode(kept))
            half.replace(self._path)
        except OSError as error:
            half.unlink(missing_ok=True)
            raise DataInvalid(f"--resume {self._path}: {error.strerror}") from None

    def done(self) -> None:
        """Remove the file: the replay reached its end."""
        self._path.unlink(missing_ok=True)


def _parts(
    stage: Stage, walk: object, kept: _Checkpoint
) -> tuple[tuple[object, msgspec.Struct], ...]:
    return (
        (stage, kept.stage),
        (stage.equity, kept.equity),
        (stage.cover, kept.cover),
        (stage.tally, kept.tally),
        (stage.story, kept.story),
        (walk, kept.walk),
    )


def _take(owner: object, kind: type[Kept]) -> Kept:
    """Copy the fields of `kind` out of what carries them, under their name or a private one."""
    found: Mapping[str, Any] = vars(owner)
    values = {
        field.name: found[field.name] if field.name in found else found[f"_{field.name}"]
        for field in msgspec.structs.fields(kind)
    }
    return kind(**values)


def _put(owner: object, part: msgspec.Struct) -> None:
    found = vars(owner)
    for field in msgspec.structs.fields(part):
        name = field.name if field.name in found else f"_{field.name}"
        found[name] = getattr(part, field.name)


def _digest(options: ReplayOptions, material: Material) -> str:
    """Return what tells this replay from others: options, strategies with numbers, and data."""
    asked = (
        str(options.data.resolve()), options.policy, options.hold, options.hold_all,
        options.leverage, options.margin, options.guard, options.stop_fill, options.start,
        options.seed, options.wallet_usd, options.latency_ms, options.in_bar, options.sense_on,
        options.slip_fast_bps, options.silence, options.adl,
        [(each.name, getattr(each, "params", None)) for each in options.strategies],
        material.symbols, material.start_ns, material.end_ns, material.bar_s,
        [(t.symbol, t.timeframe_s, len(t.open_ns), t.close) for t in material.tracks],
        len(material.news),
    )  # fmt: skip
    return hashlib.sha256(msgspec.msgpack.encode(asked)).hexdigest()
