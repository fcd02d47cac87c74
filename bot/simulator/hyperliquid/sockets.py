"""The WebSocket address: subscriptions, pings, and a life from handshake to close."""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from bot.domain.units import NS_PER_MIN
from bot.simulator.binance import connection
from bot.simulator.binance.bars import INTERVAL_MS
from bot.simulator.binance.sockets import HEARTBEAT_S
from bot.simulator.binance.streams import Client
from bot.simulator.hyperliquid import market_rows
from bot.simulator.hyperliquid.desk import Desk
from bot.simulator.hyperliquid.refusals import Unreadable
from bot.simulator.hyperliquid.rows import Row
from bot.simulator.hyperliquid.voice import first_frames, name_of

OF_COIN: Final = frozenset({"trades", "activeAssetCtx", "l2Book", "bbo", "candle"})
OF_USER: Final = frozenset(
    {"orderUpdates", "userFills", "userFundings", "userEvents", "clearinghouseState"}
)
MESSAGES_PER_MIN_MAX: Final = 2_000
SUBSCRIPTIONS_MAX: Final = 1_000
USERS_MAX: Final = 10


class Ear:
    """One connection: what it asked for, how much it says, whose channels it hears."""

    def __init__(self, desk: Desk, client: Client) -> None:
        self._desk = desk
        self.client = client
        self._minute = -1
        self._messages = 0
        self._users: set[str] = set()

    def may_speak(self, now_ns: int) -> bool:
        """Count a message; False when it sends too many in a minute."""
        minute = now_ns // NS_PER_MIN
        if minute != self._minute:
            self._minute, self._messages = minute, 0
        self._messages += 1
        return self._messages <= MESSAGES_PER_MIN_MAX

    def obey(self, text: str) -> None:
        """Do what a message asks for and answer it."""
        try:
            asked = msgspec.json.decode(text)
        except msgspec.DecodeError:
            self._error("Error parsing JSON into valid websocket request")
            return
        method = asked.get("method") if isinstance(asked, dict) else None
        if method == "ping":
            self._put({"channel": "pong"})
            return
        wanted = asked.get("subscription") if isinstance(asked, dict) else None
        if method not in ("subscribe", "unsubscribe") or not isinstance(wanted, dict):
            self._error("Error parsing JSON into valid websocket request")
            return
        try:
            self._subscribe(method, wanted)
        except Unreadable:
            self._error(f"Invalid subscription {msgspec.json.encode(wanted).decode()}")

    def _subscribe(self, method: str, wanted: Row) -> None:
        name, first = self._named(wanted)
        hub = self._desk.world.hub
        if method == "unsubscribe":
            hub.unsubscribe(self.client, (name,))
            self._put({"channel": "subscriptionResponse", "data": _echo(method, wanted)})
            return
        if name in self.client.streams:
            self._error(f"Already subscribed: {msgspec.json.encode(wanted).decode()}")
            return
        if len(self.client.streams) >= SUBSCRIPTIONS_MAX or len(self._users) > USERS_MAX:
            self._error("Cannot track more subscriptions")
            return
        hub.subscribe(self.client, (name,))
        self._put({"channel": "subscriptionResponse", "data": _echo(method, wanted)})
        for frame in first:
            self._put(frame)

    def _named(self, wanted: Row) -> tuple[str, list[Row]]:
        """Return the name of a subscription and what it begins with."""
        desk, kind = self._desk, str(wanted.get("type"))
        if kind == "allMids":
            return "allMids", []
        if kind in OF_COIN:
            contract = desk.contract(wanted.get("coin"))
            return self._of_coin(kind, contract.venue_id, wanted)
        if kind not in OF_USER:
            raise Unreadable(kind)
        account_id = desk.account_of(wanted.get("user"))
        self._users.add(str(wanted.get("user")))
        if account_id is None:
            return name_of(kind, str(wanted.get("user"))), []
        self.client.account_id = account_id
        return name_of(kind, account_id), first_frames(desk, account_id, kind)

    def _of_coin(self, kind: str, coin: str, wanted: Row) -> tuple[str, list[Row]]:
        desk, contract = self._desk, self._desk.contract(coin)
        data: object
        match kind:
            case "candle":
                interval = str(wanted.get("interval"))
                if interval not in INTERVAL_MS:
                    raise Unreadable("interval")
                return name_of(kind, f"{coin}@{interval}"), []
            case "trades":
                data = market_rows.recent_trades(desk, contract)
            case "activeAssetCtx":
                data = {"coin": coin, "ctx": market_rows.state_row(desk, contract)}
            case "bbo":
                data = market_rows.top(desk, contract)
            case _:
                data = market_rows.book(desk, contract)
        return name_of(kind, coin), [{"channel": kind, "data": data}]

    def _error(self, text: str) -> None:
        self._put({"channel": "error", "data": text})

    def _put(self, frame: object) -> None:
        self.client.put(msgspec.json.encode(frame).decode())


def _echo(method: str, wanted: Row) -> Row:
    return {"method": method, "subscription": wanted}


def socket_handler(desk: Desk) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return the handler of GET /ws."""

    async def serve(request: web.Request) -> web.StreamResponse:
        return await connection.serve(
            desk.world.hub,
            request,
            lambda client: _read(desk, Ear(desk, client)),
            heartbeat_s=HEARTBEAT_S,
        )

    return serve


async def _read(desk: Desk, ear: Ear) -> None:
    client = ear.client
    async for message in client.socket:
        if message.type is not WSMsgType.TEXT:
            client.condemn(WSCloseCode.UNSUPPORTED_DATA)
            return
        if not ear.may_speak(desk.world.clock.now_ns()):
            client.condemn(WSCloseCode.POLICY_VIOLATION)
            return
        ear.obey(message.data)
