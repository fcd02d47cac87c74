"""Reaches a running daemon through its control socket: one JSON line there, one back."""

import json
import socket
from pathlib import Path
from typing import Any

from bot.domain.errors import BotError, StateLocked

DEADLINE_S = 15.0
ANSWER_BYTES_MAX = 16_000_000


class DaemonAbsent(BotError):
    """Nobody listens on the control socket."""


class Refused(BotError):
    """The daemon understood and said no."""


def ask_daemon(path: Path, name: str, args: dict[str, str]) -> dict[str, Any]:
    """Return the daemon's answer to the question `name`.

    Raises:
        DaemonAbsent: no daemon runs here; the line says how to start one.
        Refused: the daemon refused; the line is its own.
        StateLocked: it does not answer in time, or speaks nonsense.
    """
    answer = _request(path, name, args)
    data = answer.get("data")
    if not isinstance(data, dict):
        raise StateLocked(f"{path}: no answer to {name}: is another program there?")
    return data


def order_daemon(path: Path, name: str, args: dict[str, str]) -> dict[str, Any]:
    """Return how the command `name` was taken: accepted, text, command_id.

    Raises:
        DaemonAbsent, Refused, StateLocked: as `ask_daemon`.
    """
    answer = _request(path, name, args)
    return {
        "command": name,
        "accepted": bool(answer.get("ok")),
        "text": str(answer.get("text", "")),
        "command_id": answer.get("command_id"),
    }


def _request(path: Path, name: str, args: dict[str, str]) -> dict[str, Any]:
    line = _exchange(path, json.dumps({"name": name, "args": args}).encode() + b"\n")
    try:
        answer = json.loads(line)
    except ValueError:
        raise StateLocked(f"{path}: the answer is not JSON: is another program there?") from None
    if not isinstance(answer, dict):
        raise StateLocked(f"{path}: the answer is no object: is another program there?")
    if answer.get("error"):
        raise Refused(str(answer["error"]))
    return answer


def _exchange(path: Path, request: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(DEADLINE_S)
        try:
            link.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            raise DaemonAbsent(
                f"no daemon is running here ({path}): start one with ./run"
            ) from None
        except OSError as error:
            raise DaemonAbsent(f"{path}: cannot be reached: {error.strerror or error}") from None
        try:
            link.sendall(request)
            return _line(link)
        except TimeoutError:
            raise StateLocked(
                f"{path}: the daemon did not answer within {DEADLINE_S:g} s: see logs/"
            ) from None
        except OSError as error:
            raise StateLocked(f"{path}: connection lost: {error.strerror or error}") from None


def _line(link: socket.socket) -> bytes:
    parts: list[bytes] = []
    size = 0
    while not parts or not parts[-1].endswith(b"\n"):
        part = link.recv(65_536)
        if not part:
            break
        parts.append(part)
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            raise StateLocked(f"the answer is larger than {ANSWER_BYTES_MAX} bytes")
    return b"".join(parts)
