"""Telegram's Bot API on this machine, as far as a chat with one operator needs it.

The test says and presses things (`says`, `presses`), breaks things (`fail`, `gone`, `back`), and
looks at what was sent. Updates stay until they are acknowledged by a higher offset, as at the
real server, and are dated by `now_s`.
"""

import asyncio
import json
import re
from collections import deque
from collections.abc import Callable
from typing import Any, Self

from aiohttp import web

TOKEN = "4242424242:AAbreakwater_test_token_0123456789abc"
OPERATOR = 7_000_001
ME = {"id": 4_242_424_242, "is_bot": True, "first_name": "Breakwater", "username": "breakwater_bot"}
JSON_KEYS = ("reply_markup", "commands", "scope", "allowed_updates")


class BotApi:
    """One bot's server."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self.now_s = now_s
        self.url = ""
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.messages: list[dict[str, Any]] = []
        """Everything that was sent to a chat; a photo has its bytes under `photo_bytes`."""
        self.updates: deque[dict[str, Any]] = deque()
        self.faults: dict[str, deque[tuple[int, dict[str, Any]]]] = {}
        self.always: dict[str, tuple[int, dict[str, Any]]] = {}
        self.hanging: set[str] = set()
        """Methods that take a request and never answer."""
        self.next_update = 1_000
        self.forgetful = False
        """Whether updates are handed out once, whatever was acknowledged: numbers may repeat."""
        self._news = asyncio.Event()
        self._sent = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._port = 0

    # ------------------------------------------------------------ the operator and others

    def says(
        self,
        text: str,
        *,
        user: int = OPERATOR,
        chat: int | None = None,
        kind: str = "private",
        age_s: float = 0.0,
        update_id: int | None = None,
        field: str = "message",
        **more: Any,
    ) -> int:
        """Put a message into the bot's mail; return its update id."""
        message = {
            "message_id": self.next_update,
            "date": int(self.now_s() - age_s),
            "chat": {"id": user if chat is None else chat, "type": kind, "title": "t"},
            "from": {"id": user, "is_bot": False, "first_name": "Somebody"},
            "text": text,
            **more,
        }
        return self.put({field: message}, update_id)

    def presses(
        self,
        message: dict[str, Any],
        label: str,
        *,
        user: int = OPERATOR,
        update_id: int | None = None,
        data: str | None = None,
    ) -> int:
        """Press a button of a sent message."""
        found = {b["text"]: b["callback_data"] for row in buttons(message) for b in row}
        query = {
            "id": str(self.next_update),
            "chat_instance": "1",
            "from": {"id": user, "is_bot": False, "first_name": "Somebody"},
            "message": {k: v for k, v in message.items() if k != "photo_bytes"},
            "data": found[label] if data is None else data,
        }
        return self.put({"callback_query": query}, update_id)

    def put(self, update: dict[str, Any], update_id: int | None = None) -> int:
        """Put an update into the bot's mail."""
        number = self.next_update if update_id is None else update_id
        self.next_update = max(self.next_update, number) + 1
        self.updates.append({"update_id": number, **update})
        self._news.set()
        return number

    # ------------------------------------------------------------ what breaks

    def fail(self, method: str, code: int, times: int = 1, **parameters: Any) -> None:
        """Let the next calls of `method` fail."""
        self.faults.setdefault(method, deque()).extend([(code, parameters)] * times)

    async def gone(self) -> None:
        """Close the port: nobody answers."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def back(self) -> None:
        """Open the same port again."""
        app = web.Application(client_max_size=20 << 20)
        app.router.add_route("*", "/bot{token}/{method}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.05, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        await self.back()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.gone()

    # ------------------------------------------------------------ what a test looks at

    async def sent(
        self,
        wanted: Callable[[dict[str, Any]], bool] = lambda _: True,
        *,
        after: int = 0,
        within_s: float = 60.0,
    ) -> dict[str, Any]:
        """Wait for a message after the first `after` ones."""
        async with asyncio.timeout(within_s):
            while True:
                for message in self.messages[after:]:
                    if wanted(message):
                        return message
                self._sent.clear()
                await self._sent.wait()

    async def answer(self, text: str, **more: Any) -> dict[str, Any]:
        """Say something and return the next message."""
        count = len(self.messages)
        self.says(text, **more)
        return await self.sent(after=count)

    async def read(self) -> None:
        """Wait until every update was fetched and acknowledged."""
        async with asyncio.timeout(60):
            while self.updates:
                await asyncio.sleep(0.01)

    def of(self, method: str) -> list[dict[str, Any]]:
        return [given for name, given in self.calls if name == method]

    # ------------------------------------------------------------ the wire

    async def _answer(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        if request.match_info["token"] != TOKEN:
            return _error(401, "Unauthorized")
        given = await _given(request)
        fault = self.always.get(method)
        if fault is None and self.faults.get(method):
            fault = self.faults[method].popleft()
        if method in self.hanging:
            await asyncio.Event().wait()
        if fault is not None:
            return _error(fault[0], "scripted", **fault[1])
        self.calls.append((method, given))
        result = await getattr(self, _spelt(method))(given)
        return web.json_response({"ok": True, "result": result})

    async def _get_me(self, _given: dict[str, Any]) -> object:
        return ME

    async def _delete_webhook(self, _given: dict[str, Any]) -> object:
        return True

    _set_my_commands = _answer_callback_query = _delete_webhook

    async def _get_updates(self, given: dict[str, Any]) -> object:
        offset, end = int(given.get("offset", 0)), self._clock() + float(given.get("timeout", 0))
        while True:
            if self.forgetful and self.updates:
                batch = list(self.updates)
                self.updates.clear()
                return batch
            while self.updates and self.updates[0]["update_id"] < offset:
                self.updates.popleft()
            if self.updates or self._clock() >= end:
                return list(self.updates)[:100]
            self._news.clear()
            try:
                async with asyncio.timeout(end - self._clock()):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _send_message(self, given: dict[str, Any]) -> object:
        return self._keep({**given, "text": given["text"]})

    async def _send_photo(self, given: dict[str, Any]) -> object:
        photo = [{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}]
        bytes_ = next(v for v in given.values() if isinstance(v, bytes))
        return self._keep({"caption": given.get("caption", ""), "photo": photo, **given}, bytes_)

    async def _edit_message_reply_markup(self, given: dict[str, Any]) -> object:
        return True

    def _keep(self, given: dict[str, Any], photo: bytes | None = None) -> dict[str, Any]:
        message = {
            "message_id": 50_000 + len(self.messages),
            "date": int(self.now_s()),
            "chat": {"id": int(given["chat_id"]), "type": "private", "first_name": "O"},
            "from": ME,
            **{k: given[k] for k in ("text", "caption", "reply_markup") if k in given},
        }
        if photo is not None:
            message["photo"] = [{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}]
        self.messages.append(message | {"photo_bytes": photo, "silent": _true(given)})
        self._sent.set()
        return message

    def _clock(self) -> float:
        return asyncio.get_running_loop().time()


def buttons(message: dict[str, Any]) -> list[list[dict[str, str]]]:
    """Return the rows of buttons under a message."""
    return message.get("reply_markup", {}).get("inline_keyboard", [])


def _spelt(method: str) -> str:
    return "_" + re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), method)


def _true(given: dict[str, Any]) -> bool:
    return str(given.get("disable_notification", "")).lower() == "true"


def _error(code: int, text: str, **parameters: Any) -> web.Response:
    told = {"ok": False, "error_code": code, "description": text}
    if parameters:
        told["parameters"] = parameters
    return web.json_response(told, status=code)


async def _given(request: web.Request) -> dict[str, Any]:
    given: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        given |= await request.json()
    elif request.can_read_body:
        for key, value in (await request.post()).items():
            given[key] = value.file.read() if isinstance(value, web.FileField) else value
    for key in JSON_KEYS:
        if isinstance(given.get(key), str):
            given[key] = json.loads(given[key])
    return given
