"""Asks a running daemon over its control socket: the other end of control, for short commands."""

import socket
from pathlib import Path
from typing import Any

import msgspec

from bot.domain.errors import ConfigInvalid, DataInvalid

DEADLINE_S = 20.0
ANSWER_MAX = 64 * 1024 * 1024


def call_daemon(
    path: Path, name: str, args: dict[str, str], *, deadline_s: float = DEADLINE_S
) -> dict[str, Any]:
    """Return the daemon's answer: {"ok": true, "data": ...}, {"ok": .., "text": ..} or an error.

    Raises:
        ConfigInvalid: no daemon listens at `path`.
        DataInvalid: it did not answer in time, or with something that is no answer.
    """
    request = msgspec.json.encode({"name": name, "args": args}) + b"\n"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
        wire.settimeout(deadline_s)
        try:
            wire.connect(str(path))
        except OSError:
            raise ConfigInvalid(
                f"no daemon answers at {path}: start one with `breakwater run`"
            ) from None
        try:
            wire.sendall(request)
            line = _read_line(wire)
        except OSError:
            raise DataInvalid(
                f"the daemon at {path} gave no answer to {name}; see its log"
            ) from None
    try:
        answer = msgspec.json.decode(line)
    except msgspec.MsgspecError:
        answer = None
    if not isinstance(answer, dict):
        raise DataInvalid(f"the daemon at {path} gave no readable answer to {name}; see its log")
    return answer


def _read_line(wire: socket.socket) -> bytes:
    parts: list[bytes] = []
    size = 0
    while size <= ANSWER_MAX:
        part = wire.recv(65_536)
        parts.append(part)
        size += len(part)
        if not part or part.endswith(b"\n"):
            break
    return b"".join(parts)
