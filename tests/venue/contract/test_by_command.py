"""`doctor --contract`: what a venue can be asked for with orders, and what it leaves behind."""

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import structs

from bot.app.clock import SystemClock
from bot.app.contract.run import run_contract
from bot.app.contract.scenarios import NOT_HERE, SCENARIOS
from bot.domain.errors import ConfigInvalid
from bot.domain.orders import (
    OrderDraft,
    OrderKind,
    OrderSide,
    PositionSide,
    Purpose,
)
from bot.domain.risk import Refusal
from bot.kernel.trial import SMALLEST_FACTOR, approve_trial, smallest_qty
from bot.simulator.contracts import contract
from bot.venue.open import open_room
from tests.fakes.embedded import BTC, ETH, EmbeddedVenue, LoopbackResolver, embedded_venue
from tests.venue.adapter.scene import FastClock, config_of
from tests.venue.contract.table import EXCHANGES

NAMES = [name for name, _ in SCENARIOS]


async def contract_on(venue: EmbeddedVenue, exchange: str, **changes: object) -> dict:
    """The document of a run over `venue`, by its production names when `mode` is not paper."""
    config = config_of(venue, exchange=exchange, **changes)
    room = await open_room(
        config,
        FastClock(30),
        ssl_context=venue.client_ssl(),
        resolver=LoopbackResolver(venue.port),
    )
    try:
        return await run_contract(room, config, BTC, FastClock(30))
    finally:
        await room.close()


def is_untouched(venue: EmbeddedVenue, leverage: int) -> bool:
    account = venue.exchange.account(venue.account_id)
    clean = not account.positions and not account.orders
    return clean and account.leverages[BTC] == leverage


@pytest.mark.parametrize("exchange", EXCHANGES)
async def test_every_scenario_holds_and_nothing_is_left(exchange: str) -> None:
    async with embedded_venue(protocol=exchange) as venue:
        before = venue.exchange.account(venue.account_id).leverages[BTC]
        document = await contract_on(venue, exchange)
        assert [(row["scenario"], row["ok"]) for row in document["scenarios"]] == [
            (name, True) for name in NAMES
        ]
        assert document["healthy"]
        assert document["left_behind"] == []
        assert is_untouched(venue, before)


@pytest.mark.parametrize(
    ("exchange", "site"), [("binance", "testnet"), ("bybit", "testnet"), ("bybit", "demo")]
)
async def test_on_a_testnet_it_goes_out_by_the_testnets_own_names(
    exchange: str, site: str, tmp_path: Path
) -> None:
    async with embedded_venue(protocol=exchange, tls=True, tls_folder=tmp_path) as venue:
        document = await contract_on(venue, exchange, mode="testnet", site=site, base_url="")
        assert (document["mode"], document["healthy"]) == ("testnet", True)


@pytest.mark.parametrize("exchange", EXCHANGES)
async def test_a_venue_that_loses_stops_is_broken_and_left_clean(exchange: str) -> None:
    async with embedded_venue(protocol=exchange) as venue:
        before = venue.exchange.account(venue.account_id).leverages[BTC]
        venue.faults.add("cancel_conditional", path=venue.world.conditional_path)
        document = await contract_on(venue, exchange)
        rows = {row["scenario"]: row for row in document["scenarios"]}
        broken = rows["entry with stop"]
        assert (broken["ok"], document["healthy"]) == (False, False)
        assert "the stop is seen" in broken["found"]
        assert rows["reduce only"]["ok"] is None
        assert document["left_behind"] == []
        assert is_untouched(venue, before)


async def test_an_account_in_use_and_real_money_are_refused_before_anything_is_sent() -> None:
    async with embedded_venue(protocol="bybit") as venue:
        venue.by_hand(BTC, OrderSide.BUY, "0.01")
        sent = len(venue.requests("/v5/order/create"))
        with pytest.raises(ConfigInvalid, match="is not flat"):
            await contract_on(venue, "bybit")
        config = structs.replace(config_of(venue, exchange="bybit"), mode="live")
        room = await open_room(config_of(venue, exchange="bybit"), SystemClock())
        try:
            with pytest.raises(ConfigInvalid, match="testnet or paper only"):
                await run_contract(room, config, ETH, SystemClock())
        finally:
            await room.close()
        assert len(venue.requests("/v5/order/create")) == sent


def test_what_the_command_does_not_try_is_named() -> None:
    assert not {*NOT_HERE} & {*NAMES}


@pytest.mark.parametrize(
    ("mode", "factor", "approved"),
    [("paper", 1, True), ("testnet", SMALLEST_FACTOR, True), ("live", 1, False),
     ("testnet", SMALLEST_FACTOR + 1, False), ("paper", 0, False), ("paper", -1, False)],
)  # fmt: skip
def test_the_gate_takes_the_smallest_orders_on_play_money_alone(
    mode: str, factor: int, approved: bool
) -> None:
    btc, price = contract(BTC), Decimal(80_000)
    draft = OrderDraft(
        symbol=BTC,
        side=OrderSide.BUY,
        position_side=PositionSide.LONG,
        kind=OrderKind.MARKET,
        purpose=Purpose.ENTRY,
        qty=smallest_qty(btc, price) * factor,
        reason="test",
    )
    order = approve_trial(
        draft, mode=mode, instrument=btc, price=price, client_order_id="bw0-c1", hedged=False
    )
    assert (not isinstance(order, Refusal)) is approved
