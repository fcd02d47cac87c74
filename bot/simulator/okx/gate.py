"""OKX's way in and out of a request: JSON bodies, signed headers, a code beside the data."""

import hmac
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web
from typing_extensions import override

from bot.simulator.binance.calls import Access, Route
from bot.simulator.binance.gatekeeper import JSON, Gatekeeper
from bot.simulator.binance.refusals import Refused
from bot.simulator.binance.signing import ApiKey
from bot.simulator.binance.world import Seen
from bot.simulator.okx.words import PASSPHRASE, denied, said

WINDOW_MS: Final = 30_000
BANNED: Final = (418, 429)
TRADES: Final = ("/api/v5/trade/order", "/api/v5/trade/order-algo", "/api/v5/trade/cancel")


class OkxGatekeeper(Gatekeeper):
    """Serves OKX's routes."""

    key_header = "OK-ACCESS-KEY"

    @override
    def _params(self, query: str, body: str) -> dict[str, str]:
        params = dict(parse_qsl(query, keep_blank_values=True))
        try:
            sent = msgspec.json.decode(body) if body else {}
        except msgspec.DecodeError:
            return params
        if isinstance(sent, list):
            sent = sent[0] if sent else {}
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
            raise denied(50111, "Invalid OK-ACCESS-KEY", 401)
        if headers.get("OK-ACCESS-PASSPHRASE") != PASSPHRASE:
            raise denied(50105, "Request header OK-ACCESS-PASSPHRASE incorrect.", 401)
        stamp = headers.get("OK-ACCESS-TIMESTAMP", "")
        query = f"?{signed[0]}" if signed[0] else ""
        text = f"{stamp}{request.method}{request.path}{query}{signed[1]}"
        if not hmac.compare_digest(signature(key, text), headers.get("OK-ACCESS-SIGN", "")):
            raise denied(50113, "Invalid Sign", 401)
        if not late and abs(_stamp_ms(stamp) - self._world.now_ms()) > WINDOW_MS:
            raise denied(50102, "Timestamp request expired", 401)
        if route.access is Access.TRADE and not key.can_trade:
            raise denied(50120, "This API key doesn't have permission to use this function", 401)
        return key

    @override
    def _headers(self, seen: Seen) -> dict[str, str]:
        del seen
        return {}

    @override
    def _success(self, payload: object, seen: Seen) -> web.Response:
        seen.status = 200
        return _answer({"code": "0", "msg": "", "data": payload})

    @override
    def _refusal(self, refused: Refused, seen: Seen) -> web.Response:
        code, words = said(refused.code, refused.message)
        if refused.status in BANNED:
            code, words = said(-1003, "")
        seen.code = code
        seen.status = status = 429 if refused.status in BANNED else refused.status
        if refused.code is not None and refused.code < 0 and status == 400:
            seen.status = status = 200
        if status == 200 and seen.path.startswith(TRADES) and seen.method == "POST":
            own = {"sCode": str(code), "sMsg": words, "ordId": "", "algoId": "", "clOrdId": ""}
            body = {"code": "1", "msg": "All operations failed", "data": [own]}
            return _answer(body)
        return _answer({"code": str(code), "msg": words, "data": []}, status)


def signature(key: ApiKey, text: str) -> str:
    """Return the signature of a text, as the header carries it."""
    return b64encode(hmac.new(key.secret.encode(), text.encode(), sha256).digest()).decode()


def _stamp_ms(stamp: str) -> int:
    try:
        return int(datetime.fromisoformat(stamp).astimezone(UTC).timestamp() * 1000)
    except ValueError:
        raise denied(50112, "Invalid OK-ACCESS-TIMESTAMP", 401) from None


def _answer(body: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=status, content_type=JSON)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
