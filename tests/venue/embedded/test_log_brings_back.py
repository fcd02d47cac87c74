"""A venue killed after any series of inputs comes back as it was, from picture and log."""

import asyncio
import shutil
import tempfile
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.account import MarginMode
from bot.domain.orders import OrderKind, OrderSide, PositionSide, TimeInForce
from bot.simulator.exchange import ExchangeRefused
from bot.simulator.inputs import InputLog, Opened, read_inputs
from bot.simulator.terms import OrderRequest
from bot.simulator.venue_file import log_path
from tests.fakes.embedded import BTC, ETH, EmbeddedVenue, embedded_venue

STILL_S = 3_600.0
"""No tick and no beat comes in between: the inputs alone decide."""
SYMBOLS = st.sampled_from([BTC, ETH])
MOVES = st.tuples(st.just("move"), SYMBOLS, st.integers(-300, 300))
ORDERS = st.tuples(
    st.just("order"),
    SYMBOLS,
    st.sampled_from(OrderSide),
    st.sampled_from(OrderKind),
    st.integers(1, 400),
    st.integers(-200, 200),
    st.sampled_from([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.GTX]),
    st.booleans(),
)
SETTINGS = st.one_of(
    st.tuples(st.just("leverage"), SYMBOLS, st.integers(1, 60)),
    st.tuples(st.just("mode"), SYMBOLS, st.sampled_from(MarginMode)),
    st.tuples(st.just("margin"), SYMBOLS, st.sampled_from(PositionSide), st.integers(-50, 200)),
    st.tuples(st.just("deposit"), st.integers(-500, 5_000)),
    st.tuples(st.just("cancel_all"), SYMBOLS, st.booleans()),
    st.tuples(st.just("listen"), st.booleans()),
)
STEPS = st.lists(st.one_of(ORDERS, ORDERS, MOVES, SETTINGS), max_size=25)


def do(venue: EmbeddedVenue, number: int, step: tuple) -> None:
    """Let one input happen; refusals are part of life."""
    exchange, account = venue.exchange, venue.account_id
    with suppress(ExchangeRefused):
        match step:
            case ("move", symbol, bps):
                venue.move(symbol, exchange.market(symbol).last * (1 + bps / 10_000))
            case ("order", symbol, side, kind, lots, offset_bps, life, reduce_only):
                instrument = venue.world.by_symbol[symbol]
                price = Decimal(repr(exchange.market(symbol).last)) * (
                    1 + Decimal(offset_bps) / 10_000
                )
                grid = instrument.price_down(price)
                plain = kind is OrderKind.LIMIT
                state = exchange.submit(
                    account,
                    OrderRequest(
                        symbol=symbol, side=side, kind=kind, qty=instrument.lot * lots,
                        client_order_id=f"o{number}", price=grid if plain else None,
                        trigger_price=grid if kind.is_conditional else None,
                        time_in_force=life if plain else TimeInForce.GTC, reduce_only=reduce_only,
                    ),
                )  # fmt: skip
                records = venue.world.records(account)
                records.set_time_in_force(state.venue_order_id, life if plain else TimeInForce.GTC)
            case ("leverage", symbol, leverage):
                exchange.set_leverage(account, symbol, leverage)
            case ("mode", symbol, mode):
                exchange.set_margin_mode(account, symbol, mode)
            case ("margin", symbol, side, amount):
                exchange.add_margin(account, symbol, side, Decimal(amount))
            case ("deposit", amount):
                exchange.deposit(account, Decimal(amount))
            case ("cancel_all", symbol, conditional):
                exchange.cancel_all(account, symbol, conditional=conditional)
            case ("listen", opens):
                keys = venue.world.listen_keys
                keys.open(account, venue.world.clock.now_ns()) if opens else keys.close(account)
    venue.world.settle()
    venue.world.on_change()


def portrait(venue: EmbeddedVenue) -> dict[str, object]:
    """Everything of the account that a client could ever ask for."""
    exchange, account = venue.exchange, venue.account_id
    state = exchange.account(account)
    return {
        "wallet": state.wallet_usd,
        "positions": state.positions,
        "orders": state.orders,
        "settings": (state.leverages, state.margin_modes),
        "trades": [exchange.trades(account, symbol, 0) for symbol in (BTC, ETH)],
        "income": exchange.income(account, 0),
        "records": venue.world.records(account).to_list(),
        "keys": venue.world.listen_keys.to_list(),
        "prices": [exchange.market(symbol).last for symbol in (BTC, ETH)],
        "scale": {k: v for k, v in venue.running.keeper.position.scale.items() if v != 1.0},
    }


async def live_and_die(steps: list[tuple], folder: Path) -> None:
    file, copy = folder / "venue.bin", folder / "copy.bin"
    async with embedded_venue(state_file=file, wallet_usd="3000", tick_interval_s=STILL_S) as venue:
        await venue.running.saver.settled()
        for number, step in enumerate(steps):
            do(venue, number, step)
            if number % 7 == 6:
                await venue.running.saver.settled()
        await venue.running.saver.settled()
        shutil.copy(file, copy)
        shutil.copy(log_path(file), log_path(copy))
        before = portrait(venue)
    async with embedded_venue(state_file=copy, wallet_usd="3000", tick_interval_s=STILL_S) as venue:
        after = portrait(venue)
    for name, value in before.items():
        assert after[name] == value, name


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_a_killed_venue_is_the_same_venue(steps: list[tuple]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live_and_die(steps, Path(folder)))


@given(amounts=st.lists(st.integers(1, 10**9), max_size=20), cut=st.integers(0, 2_000))
def test_a_torn_log_ends_where_it_is_torn(amounts: list[int], cut: int) -> None:
    log = InputLog()
    log.is_on = True
    entries = [Opened(f"a{n}", Decimal(n), n % 2 == 0) for n in amounts]
    for entry in entries:
        log.add(entry)
    data = log.take()
    whole = list(read_inputs(data))
    torn = list(read_inputs(data[: max(len(data) - cut, 0)]))
    assert whole == entries
    assert torn == entries[: len(torn)]
    assert cut == 0 or not entries or len(torn) < len(entries)
