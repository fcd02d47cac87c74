"""The embedded venue on disk: a whole picture of it, and a log of what went in since."""

import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from bot.domain.errors import DataInvalid
from bot.simulator.binance.bars import Bar
from bot.simulator.binance.listen_keys import ListenKey
from bot.simulator.binance.market_data import ContractData, FundingMark, InterestMark
from bot.simulator.binance.numbers import ms
from bot.simulator.binance.records import OrderRecord
from bot.simulator.binance.world import World
from bot.simulator.inputs import Input, ListenKeySet, Submitted, Ticked, read_inputs
from bot.simulator.keeper import PathPosition
from bot.simulator.recorded_exchange import live_again

MAGIC: Final = b"BWVENUE1"
LOG_MAGIC: Final = b"BWINPUT1"
LOG_HEAD_BYTES: Final = len(LOG_MAGIC) + 8


class ContractFile(msgspec.Struct, kw_only=True):
    """What one contract's data needs to go on."""

    last: list[Bar]
    mark: list[Bar]
    index: list[Bar]
    funding: list[FundingMark]
    interest: list[InterestMark]
    trade_id: int


class VenueFile(msgspec.Struct, kw_only=True):
    """Everything the venue is; `started_ns` (UTC) anchors the history before its first start.

    The log that goes with the picture carries the same `generation`; any other is outdated.
    """

    generation: int
    started_ns: int
    exchange: bytes
    position: PathPosition
    records: dict[str, list[OrderRecord]]
    listen_keys: list[ListenKey]
    contracts: dict[str, ContractFile]


def take(world: World, position: PathPosition, started_ns: int, generation: int) -> bytes:
    """Return the venue as bytes, as they go to the file."""
    state = VenueFile(
        generation=generation,
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


def log_path(path: Path) -> Path:
    """Return where the log beside a venue file is."""
    return path.with_suffix(path.suffix + ".log")


def log_head(generation: int) -> bytes:
    """Return how the log of a picture begins."""
    return LOG_MAGIC + generation.to_bytes(8, "big")


def read_log(path: Path, generation: int) -> list[Input]:
    """Return what went in after the picture of this generation; a torn end is left out.

    Raises:
        DataInvalid: there is a log that cannot be read.
    """
    try:
        data = log_path(path).read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataInvalid(f"{log_path(path)}: {error.strerror or error}") from None
    if data[:LOG_HEAD_BYTES] != log_head(generation):
        return []
    return list(read_inputs(data[LOG_HEAD_BYTES:]))


def put_back(world: World, state: VenueFile, since: Iterable[Input]) -> PathPosition:
    """Take a saved venue over into `world` and live through what went in `since`.

    The contract histories are loaded already. Returns where on its path the market stands.
    """
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
    for entry in since:
        live_again(world.exchange, entry)
        _follow(world, state.position, entry)
        world.settle()
    return state.position


def _follow(world: World, position: PathPosition, entry: Input) -> None:
    """Let the protocol's own memory follow an input that happened once more."""
    match entry:
        case Ticked(tick, path_ns, factor):
            position.path_ns = path_ns
            if factor != 1.0 or tick.symbol in position.scale:
                position.scale[tick.symbol] = factor
            data = world.data.get(tick.symbol)
            if data is not None:
                data.note_tick(tick, tick.qty, tick.buy_qty, ms(tick.event_ns))
        case ListenKeySet():
            world.listen_keys.put_back(entry)
        case Submitted(account_id, request):
            order = world.exchange.order(
                account_id,
                request.symbol,
                client_order_id=request.client_order_id,
                conditional=request.kind.is_conditional,
            )
            if order is not None:
                records = world.records(account_id)
                records.set_time_in_force(order.venue_order_id, request.time_in_force)
        case _:
            return


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
