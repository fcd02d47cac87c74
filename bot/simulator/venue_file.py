"""The embedded venue on disk: one file, written whole, so that a killed venue comes back."""

import asyncio
import os
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec

from bot.domain.errors import DataInvalid
from bot.simulator.binance.bars import Bar
from bot.simulator.binance.listen_keys import ListenKey
from bot.simulator.binance.market_data import ContractData, FundingMark, InterestMark
from bot.simulator.binance.records import OrderRecord
from bot.simulator.binance.world import World
from bot.simulator.keeper import PathPosition

MAGIC: Final = b"BWVENUE1"
SETTLE_DEADLINE_S: Final = 5.0
RETRY_S: Final = 1.0


class ContractFile(msgspec.Struct, kw_only=True):
    """What one contract's data needs to go on."""

    last: list[Bar]
    mark: list[Bar]
    index: list[Bar]
    funding: list[FundingMark]
    interest: list[InterestMark]
    trade_id: int


class VenueFile(msgspec.Struct, kw_only=True):
    """Everything the venue is; `started_ns` (UTC) anchors the history before its first start."""

    started_ns: int
    exchange: bytes
    position: PathPosition
    records: dict[str, list[OrderRecord]]
    listen_keys: list[ListenKey]
    contracts: dict[str, ContractFile]


def take(world: World, position: PathPosition, started_ns: int) -> bytes:
    """Return the venue as bytes, as they go to the file."""
    state = VenueFile(
        started_ns=started_ns,
        exchange=world.exchange.to_bytes(),
        position=position,
        records={name: world.records(name).to_list() for name in world.accounts()},
        listen_keys=world.listen_keys.to_list(),
        contracts={symbol: _contract_file(data) for symbol, data in world.data.items()},
    )
    payload = msgspec.msgpack.encode(state)
    return MAGIC + zlib.crc32(payload).to_bytes(4, "big") + payload


def _contract_file(data: ContractData) -> ContractFile:
    return ContractFile(
        last=data.last.live,
        mark=data.mark.live,
        index=data.index.live,
        funding=list(data.funding),
        interest=list(data.interest),
        trade_id=data.trade_id,
    )


def read_file(path: Path) -> VenueFile | None:
    """Return what the file holds, None when there is none.

    Raises:
        DataInvalid: the file cannot be read or is not a whole venue.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataInvalid(f"{path}: {error.strerror or error}") from None
    head, payload = data[: len(MAGIC) + 4], data[len(MAGIC) + 4 :]
    broken = f"{path}: not a whole venue file; move it away to start a new venue"
    if head[: len(MAGIC)] != MAGIC or head[len(MAGIC) :] != zlib.crc32(payload).to_bytes(4, "big"):
        raise DataInvalid(broken)
    try:
        return msgspec.msgpack.decode(payload, type=VenueFile)
    except msgspec.MsgspecError:
        raise DataInvalid(broken) from None


def put_back(world: World, state: VenueFile) -> None:
    """Take a saved venue over into `world`, whose contract histories are loaded already."""
    world.exchange.restore(state.exchange)
    for name, records in state.records.items():
        world.records(name).load(records)
    world.listen_keys.load(state.listen_keys)
    for symbol, kept in state.contracts.items():
        data = world.data.get(symbol)
        if data is None:
            continue
        data.last.live, data.mark.live, data.index.live = kept.last, kept.mark, kept.index
        data.funding.clear()
        data.funding.extend(kept.funding)
        data.interest.clear()
        data.interest.extend(kept.interest)
        data.trade_id = max(kept.trade_id, data.trade_id)


def write_file(path: Path, data: bytes) -> None:
    """Replace the file in one step that survives a crash at any point."""
    fresh = path.with_suffix(path.suffix + ".new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Saver:
    """Writes the venue whenever it changed; changes during a write share the next one."""

    def __init__(
        self, path: Path | None, take_bytes: Callable[[], bytes], report: Callable[[str], None]
    ) -> None:
        self._path = path
        self._take = take_bytes
        self._report = report
        self._changed = asyncio.Event()
        self._saved = asyncio.Condition()
        self._wanted = 0
        self._done = 0
        self._complained = False

    def mark(self) -> None:
        """Say that something changed."""
        self._wanted += 1
        self._changed.set()

    async def settled(self) -> None:
        """Wait until every change so far is on disk, at most 5 s; without a file, not at all."""
        target = self._wanted
        if self._path is None or self._done >= target:
            return
        try:
            async with asyncio.timeout(SETTLE_DEADLINE_S), self._saved:
                await self._saved.wait_for(lambda: self._done >= target or self._complained)
        except TimeoutError:
            self._report(f"{self._path}: the disk takes more than {SETTLE_DEADLINE_S} s")

    async def run(self, sleep_s: Callable[[float], Awaitable[None]]) -> None:
        """Save on change until cancelled; a failing disk is reported once and tried again."""
        if self._path is None:
            return
        while True:
            await self._changed.wait()
            self._changed.clear()
            if not await self._save(self._path):
                await sleep_s(RETRY_S)
                self._changed.set()

    async def _save(self, path: Path) -> bool:
        wanted = self._wanted
        data = self._take()
        try:
            await asyncio.to_thread(write_file, path, data)
        except OSError as error:
            self._complain(error)
            saved = False
        else:
            self._done, self._complained, saved = wanted, False, True
        async with self._saved:
            self._saved.notify_all()
        return saved

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._report(
                f"{self._path}: {error.strerror or error}; the venue goes on, but a restart "
                "would forget what happens from now on"
            )
        self._complained = True

    def save_now(self) -> None:
        """Write at once, for the end of the process."""
        if self._path is None:
            return
        try:
            write_file(self._path, self._take())
        except OSError as error:
            self._complain(error)
