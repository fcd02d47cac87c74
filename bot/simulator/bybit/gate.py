"""Bybit's way in and out of a request: JSON bodies, signed headers, HTTP 200 with a retCode."""

import hmac
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web
from typing_extensions import override

from bot.domain.units import NS_PER_MS
from bot.simulator.binance.calls import Access, Route
from bot.simulator.binance.gatekeeper import JSON, Gatekeeper
from bot.simulator.binance.refusals import Refused
from bot.simulator.binance.signing import ApiKey
from bot.simulator.binance.world import Seen
from bot.simulator.bybit.words import BAD_REQUEST, denied, said

AHEAD_MS_MAX: Final = 1_000
RECV_WINDOW_MS: Final = "5000"
BANNED: Final = (403, 418)
BANNED_WORDS: Final = b"access too frequent"


class BybitGatekeeper(Gatekeeper):
    """Serves Bybit's routes."""

    key_header = "X-BAPI-API-KEY"

    @override
    def _params(self, query: str, body: str) -> dict[str, str]:
        params = dict(parse_qsl(query, keep_blank_values=True))
        if not body:
            return params
        try:
            sent = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return params
        if isinstance(sent, dict):
            params.update({str(name): _text(value) for name, value in sent.items()})
        return params

    @override
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
        headers = request.headers
        key = self._world.keys.get(headers.get(self.key_header, ""))
        if key is None:
            raise denied(10003, "API key is invalid.")
        stamp = headers.get("X-BAPI-TIMESTAMP", "")
        window = headers.get("X-BAPI-RECV-WINDOW", RECV_WINDOW_MS)
        payload = signed[1] if request.method == "POST" else signed[0]
        text = f"{stamp}{key.key}{window}{payload}"
        expected = hmac.new(key.secret.encode(), text.encode(), sha256).hexdigest()
        if not hmac.compare_digest(expected, headers.get("X-BAPI-SIGN", "").lower()):
            raise denied(10004, f"error sign! origin_string[{stamp}...]")
        if not late:
            self._check_window(stamp, window)
        if route.access is Access.TRADE and not key.can_trade:
            raise denied(10005, "Permission denied, please check your API key permissions.")
        return key

    def _check_window(self, stamp: str, window: str) -> None:
        if not (stamp.isascii() and stamp.isdigit() and window.isascii() and window.isdigit()):
            raise denied(BAD_REQUEST, "params error: timestamp or recv_window invalid")
        now_ms = self._world.now_ms()
        if not now_ms - int(window) <= int(stamp) < now_ms + AHEAD_MS_MAX:
            raise denied(
                10002,
                "invalid request, please check your server timestamp or recv_window param. "
                f"req_timestamp[{stamp}],server_timestamp[{now_ms}],recv_window[{window}]",
            )

    @override
    def _headers(self, seen: Seen) -> dict[str, str]:
        if not seen.account:
            return {}
        now_ns = self._world.clock.now_ns()
        recent, _ = self._world.meter.order_counts(seen.account, now_ns)
        limit = self._world.quota.orders_per_10s
        return {
            "X-Bapi-Limit": str(limit),
            "X-Bapi-Limit-Status": str(max(limit - recent, 0)),
            "X-Bapi-Limit-Reset-Timestamp": str(now_ns // NS_PER_MS + AHEAD_MS_MAX),
        }

    @override
    def _success(self, payload: object, seen: Seen) -> web.Response:
        seen.status = 200
        return self._body(0, "OK", payload, seen)

    @override
    def _refusal(self, refused: Refused, seen: Seen) -> web.Response:
        if refused.status in BANNED:
            seen.status, seen.code = 403, refused.code
            return web.Response(body=BANNED_WORDS, status=403, content_type="text/plain")
        code, words = said(refused.code, refused.message)
        seen.code = code
        status = refused.status if refused.status >= 500 else 200
        seen.status = status
        return self._body(code, words, {}, seen, status=status)

    def _body(
        self, code: int, words: str, result: object, seen: Seen, *, status: int = 200
    ) -> web.Response:
        answer = {
            "retCode": code,
            "retMsg": words,
            "result": result,
            "retExtInfo": {},
            "time": self._world.now_ms(),
        }
        return web.Response(
            body=msgspec.json.encode(answer),
            status=status,
            content_type=JSON,
            headers=self._headers(seen),
        )


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
