"""Addresses for tests and demonstrations: faults, market moves, orders by hand, the request log."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Final

import msgspec
from aiohttp import web

from bot.domain.errors import ConfigInvalid
from bot.domain.orders import OrderKind, OrderSide, PositionSide
from bot.simulator.binance.refusals import Refused
from bot.simulator.binance.world import World
from bot.simulator.exchange import ExchangeRefused
from bot.simulator.faults import FaultKind, FaultRule, decode_rules
from bot.simulator.terms import OrderRequest

LOOPBACK: Final = ("127.0.0.1", "::1")
LOCAL_HOSTS: Final = ("127.0.0.1", "localhost", "[::1]")
ANSWER_ROWS_MAX: Final = 5_000
Handler = Callable[[web.Request], Awaitable[web.Response]]


class MarketMove(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST /_control/market: the venue symbol and the price it jumps to."""

    symbol: str
    price: float


class HandOrder(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST /_control/position: a market order as a human would place it."""

    symbol: str
    side: OrderSide
    qty: Decimal
    account: str = ""
    position_side: PositionSide | None = None
    reduce_only: bool = False


class Control:
    """Serves /_control/...; on loopback only, and never to a web page."""

    def __init__(
        self,
        world: World,
        move: Callable[[str, float], None],
        durable: Callable[[], Awaitable[None]],
    ) -> None:
        self._world = world
        self._move = move
        self._durable = durable

    def routes(self) -> list[web.RouteDef]:
        """Return the control addresses."""
        return [
            web.post("/_control/faults", self._guarded(self._set_faults)),
            web.delete("/_control/faults", self._guarded(self._clear_faults)),
            web.get("/_control/faults", self._guarded(self._show_faults)),
            web.post("/_control/market", self._guarded(self._set_market)),
            web.post("/_control/position", self._guarded(self._set_position)),
            web.post("/_control/listen_key/expire", self._guarded(self._expire_listen_key)),
            web.get("/_control/log", self._guarded(self._show_log)),
        ]

    def _guarded(self, serve: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.Response:
            host = request.host.rsplit(":", 1)[0] if request.host else ""
            local = request.remote in LOOPBACK and host in LOCAL_HOSTS
            if not local or "Origin" in request.headers:
                return _answer({"error": "control is for programs on this machine only"}, 403)
            try:
                return await serve(request)
            except (ConfigInvalid, msgspec.MsgspecError) as error:
                return _answer({"error": str(error)}, 400)
            except (Refused, ExchangeRefused) as refused:
                return _answer({"code": refused.code, "error": refused.message}, 400)

        return guarded

    # ------------------------------------------------------------------ faults

    async def _set_faults(self, request: web.Request) -> web.Response:
        for rule in decode_rules(await request.read()):
            arm(self._world, rule)
        return _answer(self._world.faults.standing(self._world.clock.now_ns()))

    async def _clear_faults(self, request: web.Request) -> web.Response:
        text = request.query.get("kind", "")
        try:
            kind = FaultKind(text) if text else None
        except ValueError:
            raise ConfigInvalid(f"fault kind {text!r}: see bot/simulator/faults.py") from None
        self._world.faults.clear(kind)
        return _answer([])

    async def _show_faults(self, _: web.Request) -> web.Response:
        return _answer(self._world.faults.standing(self._world.clock.now_ns()))

    # ------------------------------------------------------------------ the world

    async def _set_market(self, request: web.Request) -> web.Response:
        move = msgspec.json.decode(await request.read(), type=MarketMove)
        self._move(self._world.instrument(move.symbol).symbol, move.price)
        return _answer({"symbol": move.symbol, "price": move.price})

    async def _set_position(self, request: web.Request) -> web.Response:
        order = msgspec.json.decode(await request.read(), type=HandOrder)
        if not order.qty.is_finite():
            raise ConfigInvalid(f"order by hand: a quantity of {order.qty} cannot be")
        account_id = order.account or self._world.accounts()[0]
        self._world.advance()
        state = self._world.exchange.submit(
            account_id,
            OrderRequest(
                symbol=self._world.instrument(order.symbol).symbol,
                side=order.side,
                kind=OrderKind.MARKET,
                qty=order.qty,
                client_order_id=self._world.fallback_id("hand_"),
                reduce_only=order.reduce_only,
                position_side=order.position_side,
            ),
        )
        self._world.settle()
        await self._durable()
        return _answer(state)

    async def _expire_listen_key(self, request: web.Request) -> web.Response:
        account_id = request.query.get("account") or self._world.accounts()[0]
        self._world.listen_keys.expire(account_id)
        return _answer({"account": account_id})

    async def _show_log(self, request: web.Request) -> web.Response:
        text = request.query.get("since_ns", "0")
        since_ns = int(text) if text.isascii() and text.isdigit() else 0
        rows = [seen for seen in self._world.log if seen.ns >= since_ns]
        return _answer(rows[-ANSWER_ROWS_MAX:])


def arm(world: World, rule: FaultRule) -> None:
    """Put a rule in force; the kinds that act at once act now.

    Raises:
        ConfigInvalid: the rule names a symbol the venue does not list.
    """
    if rule.symbol and rule.symbol not in {i.venue_id for i in world.by_symbol.values()}:
        raise ConfigInvalid(f"fault rule: {rule.symbol} is not listed here; use a venue symbol")
    now_ns = world.clock.now_ns()
    if rule.kind is FaultKind.DROP_SOCKETS:
        world.hub.close_matching(max(rule.code, 0), rule.stream)
        return
    if rule.kind is FaultKind.CANCEL_CONDITIONAL and not rule.path:
        symbol = world.instrument(rule.symbol).symbol if rule.symbol else ""
        if world.vanish_conditionals(symbol, rule.account):
            return
        rule = msgspec.structs.replace(
            rule, method="POST", path=world.conditional_path, times=rule.times or 1
        )
    world.faults.arm(rule, now_ns)
    if rule.kind is FaultKind.STICK_TRIGGERING:
        for symbol, instrument in world.by_symbol.items():
            if rule.symbol in ("", instrument.venue_id):
                world.exchange.stick_triggering(symbol, True)


def _answer(payload: object, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(payload), status=status, content_type="application/json"
    )
