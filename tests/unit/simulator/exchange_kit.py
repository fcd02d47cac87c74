"""An exchange with one account, and short ways to drive it."""

from decimal import Decimal

from bot.domain.account import MarginMode
from bot.domain.messages import Event, Fill
from bot.domain.orders import (
    OrderKind,
    OrderSide,
    OrderState,
    PositionSide,
    TimeInForce,
    TriggerBy,
)
from bot.simulator.contracts import CONTRACTS
from bot.simulator.exchange import BarModel, Exchange, ExchangeRefused, MarketTick, OrderRequest
from bot.simulator.fills import FillModel

BTC = "BTC/USDT:USDT"
ETH = "ETH/USDT:USDT"
NS = 1_769_904_000_000_000_000
"""1 February 2026, 00:00 UTC: a funding instant."""
ME = "me"


class Desk:
    """One account on a fresh exchange; `walk` moves BTC without a gap, `jump` with one."""

    def __init__(
        self,
        *,
        wallet: str = "10000",
        isolated: bool = True,
        leverage: int = 10,
        hedge: bool = False,
        model: FillModel | None = None,
        price: float = 80_000.0,
        fee: float = 0.0125,
    ) -> None:
        self.exchange = Exchange(
            CONTRACTS,
            fill_model=model or BarModel(slip_calm_bps=0.0, slip_fast_bps=0.0),
            liquidation_fee_frac=fee,
        )
        self.exchange.open_account(ME, Decimal(wallet), hedge_mode=hedge)
        for symbol in (BTC, ETH):
            if isolated:
                self.exchange.set_margin_mode(ME, symbol, MarginMode.ISOLATED)
            self.exchange.set_leverage(ME, symbol, leverage)
        self.now = NS + 1
        self.ids = 0
        self.walk(price)

    def tick(self, last: float, symbol: str = BTC, **more: object) -> None:
        self.now += 1_000_000_000
        fields = {"mark": last, "index": last, **more}
        self.exchange.apply(
            MarketTick(symbol=symbol, event_ns=self.now, last=last, **fields)  # type: ignore[arg-type]
        )

    def walk(self, last: float, symbol: str = BTC) -> None:
        self.tick(last, symbol)

    def jump(self, last: float, symbol: str = BTC) -> None:
        self.tick(last, symbol, gap=True)

    def request(self, side: OrderSide, qty: str, **more: object) -> OrderRequest:
        self.ids += 1
        fields: dict[str, object] = {
            "symbol": BTC,
            "kind": OrderKind.MARKET,
            "client_order_id": f"bw-{self.ids}",
            **more,
        }
        return OrderRequest(side=side, qty=Decimal(qty), **fields)  # type: ignore[arg-type]

    def send(self, side: OrderSide, qty: str, **more: object) -> OrderState:
        return self.exchange.submit(ME, self.request(side, qty, **more))

    def buy(self, qty: str, **more: object) -> OrderState:
        return self.send(OrderSide.BUY, qty, **more)

    def sell(self, qty: str, **more: object) -> OrderState:
        return self.send(OrderSide.SELL, qty, **more)

    def limit(self, side: OrderSide, qty: str, price: str, **more: object) -> OrderState:
        more.setdefault("time_in_force", TimeInForce.GTC)
        return self.send(side, qty, kind=OrderKind.LIMIT, price=Decimal(price), **more)

    def stop(self, side: OrderSide, qty: str, trigger: str, **more: object) -> OrderState:
        fields: dict[str, object] = {
            "kind": OrderKind.STOP_MARKET,
            "trigger_by": TriggerBy.MARK,
            "reduce_only": True,
            **more,
        }
        return self.send(side, qty, trigger_price=Decimal(trigger), **fields)

    def refusal(self, side: OrderSide, qty: str, **more: object) -> int:
        """Send what must be refused; return the code."""
        try:
            self.send(side, qty, **more)
        except ExchangeRefused as refused:
            return refused.code
        raise AssertionError("the exchange took the order")

    def events(self) -> list[Event]:
        return [event for _, event in self.exchange.drain()]

    def fills(self) -> list[Fill]:
        return [event for event in self.events() if isinstance(event, Fill)]

    def qty(self, side: PositionSide = PositionSide.LONG, symbol: str = BTC) -> Decimal:
        held = self.exchange.account(ME).positions
        return sum((p.qty for p in held if p.symbol == symbol and p.side is side), Decimal(0))

    @property
    def wallet(self) -> Decimal:
        return self.exchange.account(ME).wallet_usd

    def state(self, order: OrderState, *, conditional: bool = False) -> OrderState:
        found = self.exchange.order(
            ME, order.symbol, venue_order_id=order.venue_order_id, conditional=conditional
        )
        assert found is not None
        return found
