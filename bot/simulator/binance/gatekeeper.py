"""The way of every HTTP request: faults, bans, weights, key, signature, handler, answer."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from bot.simulator.binance.calls import Access, Call, Route
from bot.simulator.binance.refusals import Refused
from bot.simulator.binance.signing import ApiKey, check_signature, check_window, find_key
from bot.simulator.binance.world import Seen, World
from bot.simulator.exchange import ExchangeRefused
from bot.simulator.faults import FaultKind, FaultRule

BODY_BYTES_MAX: Final = 256 * 1024
SECRET_PARAMS: Final = ("signature",)
LOG_TEXT_MAX: Final = 2_000
LOG_PARAMS_MAX: Final = 50
JSON: Final = "application/json"


class Later:
    """What the gatekeeper needs from outside: durability, moving prices, spawning."""

    def __init__(
        self,
        *,
        durable: Callable[[], Awaitable[None]],
        gap: Callable[[str, float], None],
        spawn: Callable[[Coroutine[None, None, None]], None],
    ) -> None:
        self.durable = durable
        self.gap = gap
        self.spawn = spawn


class Gatekeeper:
    """Serves one route after another; every request is logged with what became of it.

    Another protocol overrides how parameters, key, signature and answers look.
    """

    key_header = "X-MBX-APIKEY"

    def __init__(self, world: World, later: Later) -> None:
        self._world = world
        self._later = later

    def handler(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return the aiohttp handler of `route`."""

        async def serve(request: web.Request) -> web.StreamResponse:
            return await self._serve(route, request)

        return serve

    async def _serve(self, route: Route, request: web.Request) -> web.StreamResponse:
        body = (await request.read()).decode("utf-8", "replace")
        query = request.rel_url.raw_query_string
        params = self._params(query, body)
        true_ns = self._world.clock.now_ns()
        seen = Seen(
            ns=true_ns,
            method=route.method,
            path=route.path,
            params=_loggable(params),
        )
        known = self._world.keys.get(request.headers.get(self.key_header, ""))
        seen.account = known.account_id if known is not None else ""
        self._world.log.append(seen)
        try:
            return await self._answer(route, request, seen, params, (query, body))
        except Refused as refused:
            return self._refusal(refused, seen)
        except ExchangeRefused as refused:
            self._world.settle()
            return self._refusal(Refused(refused.code, refused.message), seen)

    async def _answer(
        self,
        route: Route,
        request: web.Request,
        seen: Seen,
        params: dict[str, str],
        signed: tuple[str, str],
    ) -> web.StreamResponse:
        world = self._world
        world.meter.check_ban(world.clock.now_ns())
        hit = world.faults.on_request(
            route.method, route.path, params.get("symbol", ""), seen.account, world.clock.now_ns()
        )
        by_kind = {rule.kind: rule for rule in hit}
        self._refuse_by_fault(by_kind)
        if FaultKind.LOSE_REQUEST in by_kind:
            return _cut(request)
        late = by_kind.get(FaultKind.LATE_ACCEPT)
        if late is not None:
            self._later.spawn(self._execute_late(route, request, params, signed, late, seen))
            return _cut(request)
        if FaultKind.DELAY in by_kind:
            await world.clock.sleep_s(by_kind[FaultKind.DELAY].delay_s)
        if FaultKind.GAP in by_kind:
            self._gap(by_kind[FaultKind.GAP], params)
        payload = self._execute(route, request, params, signed)
        if FaultKind.CANCEL_CONDITIONAL in by_kind:
            named = params.get("symbol", "")
            symbol = world.instrument(named).symbol if named else ""
            world.vanish_conditionals(symbol, seen.account)
        if route.access is Access.TRADE:
            await self._later.durable()
        rejects = by_kind.get(FaultKind.REJECT)
        if rejects is not None:
            raise _rejection(rejects)
        if FaultKind.LOSE_ACK in by_kind:
            return _cut(request)
        return self._success(payload, seen)

    def _params(self, query: str, body: str) -> dict[str, str]:
        params = dict(parse_qsl(query, keep_blank_values=True))
        params.update(parse_qsl(body, keep_blank_values=True))
        return params

    def _refuse_by_fault(self, by_kind: dict[FaultKind, FaultRule]) -> None:
        bans = by_kind.get(FaultKind.BAN)
        if bans is not None:
            now_ns = self._world.clock.now_ns()
            self._world.meter.ban(now_ns, bans.retry_after_s)
            self._world.meter.check_ban(now_ns)
        rejects = by_kind.get(FaultKind.REJECT)
        if rejects is not None and not rejects.executes:
            raise _rejection(rejects)

    def _gap(self, rule: FaultRule, params: dict[str, str]) -> None:
        instrument = self._world.instrument(rule.symbol or params.get("symbol", ""))
        last = self._world.exchange.market(instrument.symbol).last
        self._later.gap(instrument.symbol, last * (1.0 + rule.move_frac))

    async def _execute_late(
        self,
        route: Route,
        request: web.Request,
        params: dict[str, str],
        signed: tuple[str, str],
        rule: FaultRule,
        seen: Seen,
    ) -> None:
        """Execute a request whose sender was cut off, after a while; nobody hears the answer."""
        await self._world.clock.sleep_s(rule.delay_s)
        try:
            self._execute(route, request, params, signed, late=True)
            seen.status = 299
        except (Refused, ExchangeRefused) as refused:
            self._world.settle()
            seen.code = refused.code
        await self._later.durable()

    def _execute(
        self,
        route: Route,
        request: web.Request,
        params: dict[str, str],
        signed: tuple[str, str],
        *,
        late: bool = False,
    ) -> object:
        world = self._world
        world.meter.spend(world.clock.now_ns(), route.weigh(params))
        key = self._authorise(route, request, params, signed, late=late)
        if route.orders and key is not None:
            world.meter.spend_orders(key.account_id, world.clock.now_ns(), route.orders)
        world.advance()
        world.settle()
        payload = route.serve(Call(world, params, key))
        world.settle()
        if route.access is Access.TRADE or route.access is Access.KEY:
            world.on_change()
        return payload

    def _authorise(
        self,
        route: Route,
        request: web.Request,
        params: dict[str, str],
        signed: tuple[str, str],
        *,
        late: bool,
    ) -> ApiKey | None:
        if route.access is Access.OPEN:
            return None
        key = find_key(self._world.keys, request.headers.get(self.key_header))
        if route.access is Access.KEY:
            return key
        check_signature(key, *signed)
        if not late:
            check_window(params, self._world.now_ns())
        if route.access is Access.TRADE and not key.can_trade:
            raise Refused(-2015, "Invalid API-key, IP, or permissions for action.")
        return key

    # ------------------------------------------------------------------ answers

    def _headers(self, seen: Seen) -> dict[str, str]:
        headers = {"X-MBX-USED-WEIGHT-1M": str(self._world.meter.used_weight)}
        if seen.account:
            now_ns = self._world.clock.now_ns()
            recent, minute = self._world.meter.order_counts(seen.account, now_ns)
            headers |= {
                "X-MBX-ORDER-COUNT-10S": str(recent),
                "X-MBX-ORDER-COUNT-1M": str(minute),
            }
        return headers

    def _success(self, payload: object, seen: Seen) -> web.Response:
        seen.status = 200
        return web.Response(
            body=msgspec.json.encode(payload), content_type=JSON, headers=self._headers(seen)
        )

    def _refusal(self, refused: Refused, seen: Seen) -> web.Response:
        seen.status, seen.code = refused.status, refused.code
        headers = self._headers(seen)
        if refused.retry_after_s is not None:
            headers["Retry-After"] = str(max(int(refused.retry_after_s + 0.999), 1))
        return web.Response(
            body=refused.body(), status=refused.status, content_type=JSON, headers=headers
        )


def _loggable(params: dict[str, str]) -> dict[str, str]:
    """Return what of a request's parameters the log may hold: no signature, nothing huge."""
    kept = [(name, value) for name, value in params.items() if name not in SECRET_PARAMS]
    return {name[:LOG_TEXT_MAX]: value[:LOG_TEXT_MAX] for name, value in kept[:LOG_PARAMS_MAX]}


def _rejection(rule: FaultRule) -> Refused:
    needs_wait = rule.http_status in (418, 429)
    return Refused(
        rule.code or None,
        rule.message,
        status=rule.http_status,
        retry_after_s=rule.retry_after_s if needs_wait else None,
    )


def _cut(request: web.Request) -> web.StreamResponse:
    """Drop the connection; the response is for the server's own bookkeeping."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
