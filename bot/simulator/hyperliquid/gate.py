"""The way of every request: faults, bans, weight, signature, nonce, handler, answer.

In the log and for faults a request is named by its address and its type: /info/clearinghouseState,
/exchange/order, /exchange/stop, /exchange/cancelByCloid.
"""

from collections.abc import Callable
from typing import Final

import msgspec
from aiohttp import web

from bot.simulator.binance.gatekeeper import BODY_BYTES_MAX, JSON, LOG_TEXT_MAX, Later
from bot.simulator.binance.refusals import Refused
from bot.simulator.binance.world import Seen
from bot.simulator.exchange import ExchangeRefused
from bot.simulator.faults import FaultKind, FaultRule
from bot.simulator.hyperliquid import actions, info
from bot.simulator.hyperliquid.desk import Desk
from bot.simulator.hyperliquid.refusals import Busy, Declined, Unreadable
from bot.simulator.hyperliquid.rows import Row
from bot.simulator.hyperliquid.signing import signer

__all__ = ["BODY_BYTES_MAX", "Gate"]

UNREADABLE: Final = "Failed to deserialize the JSON body into the target type"
TOO_MANY: Final = (
    "Too many cumulative requests sent ({used} > {cap}) for cumulative volume traded ${volume}. "
    "Place taker orders to free up 1 request per USDC traded."
)
NOBODY: Final = "0x" + "0" * 40
Work = Callable[[], object]


class Gate:
    """Serves both addresses; every request is logged with what became of it."""

    def __init__(self, desk: Desk, later: Later) -> None:
        self._desk = desk
        self._world = desk.world
        self._later = later

    async def info(self, request: web.Request) -> web.StreamResponse:
        """Answer POST /info."""
        body = _body(await request.read())
        kind = str(body.get("type"))[:40]
        seen = self._seen(f"/info/{kind}", body)
        user = body.get("user")
        if isinstance(user, str):
            key = self._world.keys.get(user)
            seen.account = key.account_id if key is not None else ""
        coin = body.get("coin")
        symbol = coin if isinstance(coin, str) else ""
        return await self._serve(
            request, seen, symbol, info.weight_of(kind), lambda: info.answer(self._desk, body)
        )

    async def exchange(self, request: web.Request) -> web.StreamResponse:
        """Answer POST /exchange."""
        body = _body(await request.read())
        action = body.get("action")
        named: Row = action if isinstance(action, dict) else {}
        seen = self._seen(f"/exchange/{actions.label_of(named)}", named)
        address = _signed_by(body, named)
        key = self._desk.agent(address)
        seen.account = key.account_id if key is not None else ""
        weight = 1 + actions.load_of(named) // 40

        def act() -> object:
            return self._act(body, named, address)

        return await self._serve(request, seen, self._coin(named), weight, act, acts=True)

    # ------------------------------------------------------------------ one request

    async def _serve(
        self,
        request: web.Request,
        seen: Seen,
        symbol: str,
        weight: int,
        work: Work,
        *,
        acts: bool = False,
    ) -> web.StreamResponse:
        self._world.log.append(seen)
        try:
            return await self._answer(request, seen, symbol, weight, work, acts=acts)
        except Unreadable:
            return _told(seen, UNREADABLE, 422)
        except Declined as declined:
            return _told(seen, {"status": "err", "response": str(declined)})
        except (Busy, Refused) as busy:
            if isinstance(busy, Refused) and busy.status not in (418, 429):
                return _told(seen, {"status": "err", "response": busy.message})
            return _told(seen, None, 429)

    async def _answer(
        self,
        request: web.Request,
        seen: Seen,
        symbol: str,
        weight: int,
        work: Work,
        *,
        acts: bool,
    ) -> web.StreamResponse:
        world, now_ns = self._world, self._world.clock.now_ns()
        world.meter.check_ban(now_ns)
        hit = world.faults.on_request(request.method, seen.path, symbol, seen.account, now_ns)
        rules = {rule.kind: rule for rule in hit}
        ban, reject = rules.get(FaultKind.BAN), rules.get(FaultKind.REJECT)
        if ban is not None:
            world.meter.ban(now_ns, ban.retry_after_s)
            raise Busy
        if reject is not None and not reject.executes:
            return _rejected(seen, reject, acts=acts)
        if FaultKind.LOSE_REQUEST in rules:
            return _cut(request)
        late = rules.get(FaultKind.LATE_ACCEPT)
        if late is not None:
            self._later.spawn(self._execute_late(work, weight, late, seen))
            return _cut(request)
        if FaultKind.DELAY in rules:
            await world.clock.sleep_s(rules[FaultKind.DELAY].delay_s)
        if FaultKind.GAP in rules:
            self._gap(rules[FaultKind.GAP], symbol)
        payload = self._execute(work, weight, acts=acts)
        if FaultKind.CANCEL_CONDITIONAL in rules:
            world.vanish_conditionals(
                world.instrument(symbol).symbol if symbol else "", seen.account
            )
        if acts:
            await self._later.durable()
        if reject is not None:
            return _rejected(seen, reject, acts=acts)
        if FaultKind.LOSE_ACK in rules:
            return _cut(request)
        return _told(seen, payload)

    def _execute(self, work: Work, weight: int, *, acts: bool) -> object:
        world = self._world
        world.meter.spend(world.clock.now_ns(), weight)
        world.advance()
        world.settle()
        try:
            return work()
        finally:
            world.settle()
            if acts:
                world.on_change()

    async def _execute_late(self, work: Work, weight: int, rule: FaultRule, seen: Seen) -> None:
        """Execute a request whose sender was cut off, after a while; nobody hears the answer."""
        await self._world.clock.sleep_s(rule.delay_s)
        try:
            self._execute(work, weight, acts=True)
            seen.status = 299
        except (Declined, Unreadable, Refused, ExchangeRefused):
            seen.code = -1
        await self._later.durable()

    def _gap(self, rule: FaultRule, symbol: str) -> None:
        contract = self._world.instrument(rule.symbol or symbol)
        last = self._world.exchange.market(contract.symbol).last
        self._later.gap(contract.symbol, last * (1.0 + rule.move_frac))

    # ------------------------------------------------------------------ who acts

    def _act(self, body: Row, action: Row, address: str) -> object:
        """Do it, if the signer may, and the nonce is new, and the allowance is not used up."""
        nonce = body.get("nonce")
        if not action or not address or not isinstance(nonce, int):
            raise Unreadable
        key = self._desk.agent(address)
        if key is None:
            raise Declined(f"User or API Wallet {address} does not exist.")
        if body.get("vaultAddress") is not None:
            raise Declined("Sub-accounts and vaults are not served here.")
        trouble = self._desk.nonces.take(address, nonce, self._world.now_ns())
        if trouble:
            raise Declined(trouble)
        self._count(key.account_id, action)
        return {"status": "ok", "response": actions.perform(self._desk, key.account_id, action)}

    def _count(self, account_id: str, action: Row) -> None:
        """Count against the address's allowance; cancels have a higher one."""
        desk = self._desk
        used = desk.acted.get(account_id, 0) + actions.load_of(action)
        cap = desk.allowance(account_id)
        most = min(cap + 100_000, cap * 2) if "cancels" in action else cap
        if used > most:
            volume = f"{desk.traded_usd(account_id):.2f}"
            raise Declined(TOO_MANY.format(used=used, cap=most, volume=volume))
        desk.acted[account_id] = used

    # ------------------------------------------------------------------ log

    def _seen(self, path: str, params: Row) -> Seen:
        texts = {name[:40]: _short(value) for name, value in params.items()}
        return Seen(ns=self._world.clock.now_ns(), method="POST", path=path, params=texts)

    def _coin(self, action: Row) -> str:
        """Return the coin the first part of an action is about, for faults."""
        number = action.get("asset")
        for name in ("orders", "cancels"):
            batch = action.get(name)
            if isinstance(batch, list) and batch and isinstance(batch[0], dict):
                number = batch[0].get("a", batch[0].get("asset"))
        known = self._desk.contracts
        if isinstance(number, int) and 0 <= number < len(known):
            return known[number].venue_id
        return ""


def _signed_by(body: Row, action: Row) -> str:
    """Return the address that signed; empty when there is no signature to look at."""
    signature, nonce = body.get("signature"), body.get("nonce")
    if not isinstance(signature, dict) or isinstance(nonce, bool) or not isinstance(nonce, int):
        return ""
    vault, expires = body.get("vaultAddress"), body.get("expiresAfter")
    found = signer(
        action,
        nonce,
        signature,
        vault=vault if isinstance(vault, str) else None,
        expires_after=expires if isinstance(expires, int) else None,
    )
    return found or NOBODY


def _short(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()[:LOG_TEXT_MAX]


def _body(raw: bytes) -> Row:
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _told(seen: Seen, payload: object, status: int = 200) -> web.Response:
    seen.status = status
    return web.Response(body=msgspec.json.encode(payload), status=status, content_type=JSON)


def _rejected(seen: Seen, rule: FaultRule, *, acts: bool) -> web.Response:
    """Say a declared no: below 500 an action is refused inside an answer of status 200."""
    seen.code = rule.code
    if rule.http_status >= 500 or rule.http_status in (418, 429) or not acts:
        return _told(seen, rule.message, 429 if rule.http_status == 418 else rule.http_status)
    return _told(seen, {"status": "err", "response": rule.message})


def _cut(request: web.Request) -> web.StreamResponse:
    """Drop the connection; the response is for the server's own bookkeeping."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
