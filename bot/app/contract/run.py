"""Runs the contract against one venue and says, scenario by scenario, what held."""

import secrets
from decimal import Decimal
from typing import Final

from bot.app.contract.ground import Ground
from bot.app.contract.scenarios import NOT_HERE, SCENARIOS
from bot.domain.errors import BotError, ConfigInvalid, VenueError, VenueUnreachable
from bot.domain.units import NS_PER_S
from bot.ports import Clock
from bot.venue.room import VenueConfig, VenueRoom

BARS: Final = 120
BAR_S: Final = 60


async def run_contract(
    room: VenueRoom, config: VenueConfig, symbol: str, clock: Clock
) -> dict[str, object]:
    """Return one document: every scenario with what was found, and what was left behind.

    Raises:
        ConfigInvalid: the account is not flat in `symbol`: nothing was sent.
        VenueError: the account or the contract could not be read: nothing was sent.
    """
    ground = await _ground(room, config, symbol, clock)
    rows: list[dict[str, object]] = []
    broken = ""
    try:
        for name, scenario in SCENARIOS:
            if broken:
                rows.append({"scenario": name, "ok": None, "found": f"not tried: {broken} failed"})
                continue
            try:
                found = await scenario(ground)
            except (VenueError, BotError) as failed:
                rows.append({"scenario": name, "ok": False, "found": str(failed)[:200]})
                broken = name
            else:
                rows.append({"scenario": name, "ok": True, "found": found})
    finally:
        left = await ground.leave()
    return {
        "exchange": config.exchange,
        "mode": config.mode,
        "symbol": symbol,
        "healthy": not broken and not left,
        "scenarios": rows,
        "left_behind": left,
        "not_tried_here": list(NOT_HERE),
    }


async def _ground(room: VenueRoom, config: VenueConfig, symbol: str, clock: Clock) -> Ground:
    if config.mode == "live":
        raise ConfigInvalid("the contract places orders: with --mode testnet or paper only")
    await room.venue.clock_skew_ns()
    account = await room.guard.account()
    busy = [leg.symbol for leg in account.positions if leg.symbol == symbol]
    busy += [order.client_order_id for order in account.orders if order.symbol == symbol]
    if busy:
        raise ConfigInvalid(
            f"{symbol} is not flat ({', '.join(busy[:3])}): the contract needs a contract without "
            "position and orders; close them, or name another with --symbol"
        )
    (instrument,) = await room.venue.instruments([symbol])
    since_ns = room.venue_now_ns() - BARS * BAR_S * NS_PER_S
    bars = await room.venue.candles(symbol, BAR_S, since_ns, BARS)
    if not bars:
        raise VenueUnreachable(f"{symbol}: the venue has no price of the last two hours")
    ground = Ground(
        room,
        clock,
        instrument,
        instrument.price_down(Decimal(repr(bars[-1].close))),
        mode=config.mode,
        run_id=secrets.token_hex(4),
        hedged=account.hedge_mode,
    )
    ground.began_ns = room.venue_now_ns() - NS_PER_S
    return ground
