"""What the client reads over HTTP is what the exchange holds, after any sequence of actions."""

import random
from decimal import Decimal

import pytest

from bot.domain.account import AccountState, MarginMode, PositionState
from bot.domain.errors import VenueRefused
from bot.domain.messages import Fill, OrderUpdate, PositionUpdate, WalletUpdate
from bot.domain.orders import OrderKind, OrderSide, OrderState, PositionSide, Purpose
from bot.venue.open import VenueRoom
from tests.fakes.embedded import BTC, ETH, PRICES, EmbeddedVenue, embedded_venue
from tests.venue.adapter.scene import Heard, entry, listening, opened

SYMBOLS = (BTC, ETH)


def leg_facts(leg: PositionState) -> tuple[object, ...]:
    margin = leg.isolated_margin_usd
    return (
        leg.symbol, leg.side, leg.qty, leg.entry_price, leg.margin_mode, leg.leverage, leg.hedged,
        None if margin is None else round(margin, 6),
    )  # fmt: skip


def number_of(venue_order_id: str) -> int:
    """The exchange's own number, however the protocol writes it."""
    digits = venue_order_id.replace("-", "")
    return int(digits, 16 if digits != venue_order_id else 10)


def order_facts(order: OrderState) -> tuple[object, ...]:
    return (
        order.client_order_id, number_of(order.venue_order_id), order.symbol, order.side,
        order.kind, order.status, order.qty, order.filled_qty, order.close_position,
        order.position_side,
        order.price, order.trigger_price, order.trigger_by, order.event_ns // 10**6,
    )  # fmt: skip


def facts(account: AccountState) -> dict[str, object]:
    return {
        "wallet": round(account.wallet_usd, 6),
        "legs": sorted(leg_facts(leg) for leg in account.positions),
        "orders": sorted(order_facts(order) for order in account.orders),
        "hedge": account.hedge_mode,
        "modes": account.margin_modes,
        "leverages": account.leverages,
    }


async def act(dice: random.Random, number: int, venue: EmbeddedVenue, room: VenueRoom,
              *, hedged: bool) -> None:  # fmt: skip
    """One random thing that the bot, a human or the market may do."""
    symbol = dice.choice(SYMBOLS)
    lot = Decimal("0.01") if symbol == BTC else Decimal("0.3")
    qty = lot * dice.randint(1, 9)
    side = dice.choice(list(OrderSide))
    leg = dice.choice(list(PositionSide))
    price = Decimal(str(PRICES[symbol])).quantize(Decimal("0.1"))
    reduce = dice.random() < 0.5
    fields: dict[str, object] = {
        "symbol": symbol, "side": (leg.exit if reduce else leg.entry) if hedged else side,
        "qty": qty, "hedged": hedged, "position_side": leg, "reduce_only": reduce,
        "purpose": Purpose.CUT if reduce else Purpose.ENTRY,
    }  # fmt: skip
    name = f"bw00000001-{number}-0"
    match dice.randrange(7):
        case 0 | 1:
            await room.venue.submit(entry(name, **fields))
        case 2:
            near = price * Decimal(dice.choice(["0.97", "0.99", "1.01", "1.03"]))
            fields |= {"kind": OrderKind.LIMIT, "price": near.quantize(Decimal("0.1"))}
            await room.venue.submit(entry(name, **fields))
        case 3 | 4:
            trigger = price * Decimal(dice.choice(["0.95", "0.98", "1.02", "1.05"]))
            fields |= {
                "kind": dice.choice([OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET]),
                "trigger_price": trigger.quantize(Decimal("0.1")),
                "close_position": reduce and dice.random() < 0.5,
            }
            await room.guard.submit(entry(name, **fields))
        case 5:
            venue.move(symbol, PRICES[symbol] * dice.choice([0.96, 0.985, 1.0, 1.015, 1.04]))
        case _:
            await room.venue.set_leverage(symbol, dice.randint(2, 20))


@pytest.mark.parametrize(("exchange", "seed"), [("binance", 1), ("binance", 2), ("bybit", 3)])
@pytest.mark.parametrize("mode", list(MarginMode))
@pytest.mark.parametrize("hedged", [False, True])
async def test_the_account_is_read_as_it_is(
    hedged: bool, mode: MarginMode, exchange: str, seed: int
) -> None:
    dice = random.Random(seed)
    async with (
        embedded_venue(protocol=exchange, hedge_mode=hedged, wallet_usd="50000") as venue,
        opened(venue, exchange=exchange) as room,
        listening(room.user) as heard,
    ):
        for symbol in SYMBOLS:
            if mode is MarginMode.ISOLATED:
                venue.exchange.set_margin_mode(venue.account_id, symbol, mode)
        for number in range(25):
            try:
                await act(dice, number, venue, room, hedged=hedged)
            except VenueRefused:
                continue
            finally:
                read = await room.guard.account()
                assert facts(read) == facts(venue.exchange.account(venue.account_id))
        await same_by_messages(heard, venue, read)


async def same_by_messages(heard: Heard, venue: EmbeddedVenue, read: AccountState) -> None:
    """Folding the private stream alone leads to the same account."""
    venue.by_hand(BTC, OrderSide.BUY, "0.010", client_order_id="last",
                  position_side=PositionSide.LONG if read.hedge_mode else None)  # fmt: skip
    await heard.until(
        OrderUpdate, lambda e: e.order.client_order_id == "last" and not e.order.status.is_live
    )
    await heard.until(WalletUpdate, lambda e: True, since=last_fill(heard))
    held = venue.exchange.account(venue.account_id)
    legs = {(e.position.symbol, e.position.side): e.position for e in heard.of(PositionUpdate)}
    told = sorted((leg.symbol, leg.side, leg.qty) for leg in legs.values() if leg.qty)
    assert told == sorted((leg.symbol, leg.side, leg.qty) for leg in held.positions)
    assert round(heard.of(WalletUpdate)[-1].wallet_usd, 6) == round(held.wallet_usd, 6)
    fills = heard.of(Fill)
    assert len({(fill.symbol, fill.trade_id) for fill in fills}) == len(fills)


def last_fill(heard: Heard) -> int:
    return max(i for i, event in enumerate(heard.events) if isinstance(event, Fill))
