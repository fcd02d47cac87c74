"""`python -m tests.fakes.kill_points run`: the daemon, killed by SIGKILL at an exact place.

$KILL_FILE names a file; while it holds "POINT:before" or "POINT:after", the first call that
matches the point ends this process as `kill -9` would. Production code has no such hooks.
"""

import asyncio
import functools
import importlib
import inspect
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

FILE = "KILL_FILE"
TURNS = 3
"""Turns of the loop after which bytes given to a transport have left, and no answer is read."""
Matches = Callable[..., bool]
Place = tuple[str, str, str, Matches]
"""Module, class ("" for a function of the module), name, and which calls are meant."""


def _is_order(purpose: str) -> Matches:
    """A call with an ApprovedOrder of that purpose among its arguments."""
    return lambda *args: any(
        getattr(getattr(arg, "purpose", None), "value", "") == purpose for arg in args
    )


def _client_id(event: Any) -> str:
    order = getattr(event, "order", None)
    return str(getattr(order, "client_order_id", "") or getattr(event, "client_order_id", ""))


def _step(kind: str, purpose: str = "") -> Matches:
    """Kernel.step of such an event, about an order of that purpose."""

    def matches(kernel: Any, event: Any) -> bool:
        if type(event).__name__ != kind:
            return False
        if not purpose:
            return True
        belief = kernel.state.orders.get(_client_id(event))
        return belief is not None and belief.purpose is not None and belief.purpose == purpose

    return matches


def _says(kind: str, purpose: str) -> Matches:
    """A journal write among whose steps is such an event, or an order sent for that purpose."""

    def matches(_store: Any, steps: Any) -> bool:
        return any(
            type(step.event).__name__ == kind
            or any(
                purpose and _is_order(purpose)(getattr(effect, "order", None))
                for effect in step.effects
            )
            for step in steps
        )

    return matches


def _request(method: str, path: str, word: str) -> Matches:
    """An HTTP request of ours; a body that was given to aiohttp as text is searched for `word`."""

    def matches(request: Any, *_: Any) -> bool:
        body = getattr(request.body, "_value", request.body)
        text = str(request.url) + (body.decode() if isinstance(body, bytes) else str(body))
        return request.method == method and request.url.path.endswith(path) and word in text

    return matches


def _response(path: str, method: str, word: str) -> Matches:
    def matches(_wire: Any, *answer: Any) -> bool:
        url, verb, body = str(answer[2]), str(answer[3]), str(answer[5])
        return verb == method and url.split("?")[0].endswith(path) and word in body

    return matches


def _message(kind: str, word: str) -> Matches:
    def matches(_stream: Any, _url: str, message: Any) -> bool:
        return isinstance(message, dict) and message.get("e") == kind and word in str(message)

    return matches


def _any(*_: Any) -> bool:
    return True


def _held(_coverage: Any, reading: Any) -> bool:
    return any(position.qty > 0 for position in reading.account.positions)


EXECUTOR = ("bot.runtime.executor", "Executor")
VENUE = ("bot.venue.binance.client", "BinanceVenue")
STORE = ("bot.journal.store", "Store")
KERNEL = ("bot.kernel.step", "Kernel", "step")
WIRE = ("bot.venue.wire", "Wire", "on_rest_response")
HTTP = ("aiohttp.client_reqrep", "ClientRequest", "send")
STREAM = ("bot.venue.binance.user_stream", "UserStream", "_take")

POINTS: dict[str, Place] = {
    # intent
    "decided": (*EXECUTOR, "_queue_entry", _is_order("ENTRY")),
    "belief written": (*EXECUTOR, "_made_durable", _is_order("ENTRY")),
    "intent written": (*STORE, "intent", _is_order("ENTRY")),
    # send
    "entry submitted": (*VENUE, "submit", _is_order("ENTRY")),
    "entry on the wire": (*HTTP, _request("POST", "/order", "IOC")),
    # acknowledgement
    "entry answered": (*WIRE, _response("/order", "POST", "IOC")),
    "entry accepted": (*KERNEL, _step("OrderAccepted", "ENTRY")),
    # fill
    "fill told": (*STREAM, _message("ORDER_TRADE_UPDATE", "'x': 'TRADE'")),
    "fill folded": (*KERNEL, _step("Fill", "ENTRY")),
    "fill journaled": (*STORE, "append_many", _says("Fill", "")),
    "position folded": (*KERNEL, _step("PositionUpdate")),
    # stop
    "stop sent": (*EXECUTOR, "_send_shield", _is_order("STOP")),
    "stop submitted": (*VENUE, "submit", _is_order("STOP")),
    "stop on the wire": (*HTTP, _request("POST", "/algoOrder", "STOP_MARKET")),
    "stop answered": (*WIRE, _response("/algoOrder", "POST", "STOP_MARKET")),
    "stop accepted": (*KERNEL, _step("OrderAccepted", "STOP")),
    "stop journaled": (*STORE, "append_many", _says("-", "STOP")),
    # target
    "target submitted": (*VENUE, "submit", _is_order("TARGET")),
    "target accepted": (*KERNEL, _step("OrderAccepted", "TARGET")),
    # a new life
    "state restored": ("bot.kernel.step", "Kernel", "restore_account", _any),
    "account read": ("bot.runtime.start", "", "read_account", _any),
    "coverage judged": ("bot.runtime.coverage", "Coverage", "_judge", _held),
    # the end of a position
    "exit folded": (*KERNEL, _step("Fill", "STOP")),
    "orphan cancelled": (*VENUE, "cancel", _any),
}


def _armed(point: str, when: str) -> bool:
    try:
        return Path(os.environ[FILE]).read_text() == f"{point}:{when}"
    except OSError:
        return False


def _die_if(point: str, when: str) -> None:
    if _armed(point, when):
        os.kill(os.getpid(), signal.SIGKILL)
        signal.pause()


def wrap(point: str, function: Callable[..., Any], matches: Matches) -> Callable[..., Any]:
    """Return `function` with the two places of death around it."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def later(*args: Any, **named: Any) -> Any:
            if not matches(*args):
                return await function(*args, **named)
            _die_if(point, "before")
            result = await function(*args, **named)
            if _armed(point, "after"):
                for _ in range(TURNS):
                    await asyncio.sleep(0)
            _die_if(point, "after")
            return result

        return later

    @functools.wraps(function)
    def now(*args: Any, **named: Any) -> Any:
        if not matches(*args):
            return function(*args, **named)
        _die_if(point, "before")
        result = function(*args, **named)
        _die_if(point, "after")
        return result

    return now


def install() -> None:
    """Put every point in place."""
    for point, (module, owner, name, matches) in POINTS.items():
        home: Any = importlib.import_module(module)
        if owner:
            home = getattr(home, owner)
        setattr(home, name, wrap(point, getattr(home, name), matches))


if __name__ == "__main__":
    from bot.app.cli import main

    install()
    main()
