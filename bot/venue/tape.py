"""What a venue said, kept as it was said: pairs of request and answer, and frames of its streams.

While a tape is in force (`taping`), every client and socket that is made writes to it; while one is
played, clients answer from it and nothing leaves this process.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import msgspec

MASK: Final = "***"
MASKED: Final = frozenset(
    {"listenKey", "uid", "userId", "accountAlias", "user", "address", "email", "wallet", "apiKey"}
)
"""Names whose values tell who we are, in requests and in answers."""
PASSING: Final = frozenset(
    (
        "timestamp",
        "signature",
        "recvWindow",
        "recv_window",
        "nonce",
        "api_key",
        "apiKey",
        "sign",
        "endTime",
    )
)
"""What belongs to one sending alone; an end of time is the instant of asking."""
FRAMES_MAX: Final = 50_000
NOT_RECORDED: Final = 599
"""The status with which a player answers what it never heard."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A request without what identifies us, and the answer to it."""

    method: str
    path: str
    params: dict[str, Any]
    status: int
    body: str

    @property
    def key(self) -> str:
        """Name the question."""
        return question(self.method, self.path, self.params)


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a public stream as it arrived."""

    stream: str
    received_ns: int
    text: str


def question(method: str, path: str, params: Mapping[str, object]) -> str:
    """Return a request in one line, the same however its parameters are ordered."""
    return f"{method} {path} {json.dumps(params, sort_keys=True)}"


def asked(method: str, url: str, body: object) -> tuple[str, str, dict[str, Any]]:
    """Return method, path and parameters of a request, without secrets and passing things."""
    parts = urlsplit(url)
    params: dict[str, Any] = dict(parse_qsl(parts.query, keep_blank_values=True))
    if isinstance(body, bytes):
        body = body.decode("utf-8", "replace")
    if isinstance(body, str) and body:
        params |= _said(body)
    kept = {name: value for name, value in params.items() if name not in PASSING}
    return method, parts.path, masked(kept)


def _said(body: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return dict(parse_qsl(body, keep_blank_values=True))
    return found if isinstance(found, dict) else {"body": found}


def masked(value: Any) -> Any:  # noqa: ANN401 (any JSON)
    """Return JSON with the values of telling names masked, however deep they lie."""
    if isinstance(value, dict):
        return {
            name: MASK if name in MASKED and inner else masked(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [masked(inner) for inner in value]
    return value


class Recorder:
    """Keeps what passes; `clean` takes known secrets out of every text."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        self._clean = clean
        self.pairs: list[Pair] = []
        self.frames: list[Frame] = []

    def answered(self, method: str, url: str, body: object, status: int, text: str) -> None:
        """Keep a request and its answer; an answer that is no JSON is kept as text."""
        _, path, params = asked(method, url, body)
        text = _without_names(text)
        told = json.loads(self._clean(json.dumps(params)))
        self.pairs.append(
            Pair(method=method, path=path, params=told, status=status, body=self._clean(text))
        )

    def frame(self, stream: str, raw: bytes | str, received_ns: int) -> None:
        """Keep a message of a public stream."""
        if len(self.frames) < FRAMES_MAX:
            text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
            self.frames.append(Frame(stream=stream, received_ns=received_ns, text=text))


def _without_names(text: str) -> str:
    """Return an answer with telling names masked; one that is no JSON as it is."""
    try:
        # numbers are kept as they were spelt: a float would round them
        found = json.loads(text, parse_float=_Spelt, parse_int=_Spelt)
    except ValueError:
        return text
    return _dumped(masked(found))


class _Spelt(str):
    """A number as it was spelt."""

    __slots__ = ()


def _dumped(value: Any) -> str:  # noqa: ANN401 (any JSON)
    """Return JSON in which spelt numbers stand as they were."""
    if isinstance(value, _Spelt):
        return str(value)
    if isinstance(value, dict):
        inner = (f"{json.dumps(name)}:{_dumped(each)}" for name, each in value.items())
        return "{" + ",".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_dumped(each) for each in value) + "]"
    return json.dumps(value)


class Player:
    """Answers from recorded pairs: the same question in turn, its last answer for ever."""

    def __init__(self, pairs: list[Pair]) -> None:
        self._answers: dict[str, list[Pair]] = {}
        for pair in pairs:
            self._answers.setdefault(pair.key, []).append(pair)
        self.missing: list[str] = []
        """Questions that were not recorded."""
        self._heard: set[str] = set()

    @property
    def unheard(self) -> list[str]:
        """Questions that were recorded and never asked."""
        return sorted(set(self._answers) - self._heard)

    def answer(self, method: str, url: str, body: object) -> tuple[int, str]:
        """Return status and text."""
        key = question(*asked(method, url, body))
        self._heard.add(key)
        waiting = self._answers.get(key)
        if not waiting:
            if key not in self.missing:
                self.missing.append(key)
            return NOT_RECORDED, json.dumps({"msg": f"not in the recording: {key}"})
        pair = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return pair.status, pair.body


Tape = Recorder | Player
_ON: ContextVar[Tape | None] = ContextVar("tape", default=None)


def tape() -> Tape | None:
    """Return the tape in force; None: nothing is kept or played."""
    return _ON.get()


@contextmanager
def taping(on: Tape) -> Iterator[None]:
    """Have clients and sockets made inside use this tape."""
    token = _ON.set(on)
    try:
        yield
    finally:
        _ON.reset(token)
