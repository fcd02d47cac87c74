"""Executions read back by request carry our ids, also those of a fired stop."""

from decimal import Decimal
from pathlib import Path

from bot.app.clock import SystemClock
from bot.domain.orders import OrderSide
from bot.venue.open import VenueConfig, open_room
from tests.fakes.embedded import embedded_venue

BTC = "BTC/USDT:USDT"


async def test_fills_are_read_back_with_client_ids(tmp_path: Path) -> None:
    async with embedded_venue(symbols=[BTC], wallet_usd="10000", prices={BTC: 76_000.0}) as venue:
        config = VenueConfig(
            mode="paper", symbols=(BTC,), api_key=venue.api_key, api_secret=venue.secret,
            base_url=venue.url, ws_url=venue.ws_url,
        )  # fmt: skip
        room = await open_room(config, SystemClock())
        try:
            await room.venue.instruments([BTC])
            venue.by_hand(BTC, OrderSide.BUY, "0.05")
            venue.by_hand(BTC, OrderSide.SELL, "0.02")
            fills = await room.venue.fills(BTC, 0)
            assert [(f.side, f.qty) for f in fills] == [
                (OrderSide.BUY, Decimal("0.05")),
                (OrderSide.SELL, Decimal("0.02")),
            ]
            assert all(f.client_order_id and f.trade_id and f.fee_usd > 0 for f in fills)
            later = await room.venue.fills(BTC, fills[-1].event_ns + 10**9)
            assert later == ()
        finally:
            await room.close()
