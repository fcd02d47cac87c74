"""The control socket: JSON lines from the owner of this process, one answer line each."""

import asyncio
import inspect
import os
import socket
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from loguru import logger

from bot.domain.errors import BotError, ConfigInvalid
from bot.domain.messages import Answer, Command, Event
from bot.runtime.parts import DaemonParts

LINE_MAX = 64 * 1024
CLIENTS_MAX = 16
BACKLOG = 32
DISCARD_MAX = 16 * 1024 * 1024
DISCARD_S = 2.0
LINE_DEADLINE_S = 10.0
"""A client that needs longer for a line, or to take its answer, is let go."""
ANSWER_DEADLINE_S = 10.0
LOOK_S = 5.0
"""So often it is seen whether the socket file is still there."""
PATH_MAX = 107
COMMANDS = ("pause", "resume", "reduce", "flatten", "rearm", "relever", "mode", "limits")
CREDENTIALS = struct.Struct("3i")


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """One line from a client; `id` makes a command that is sent twice happen once."""

    name: str
    args: dict[str, str] = {}
    id: str = ""


def open_socket(path: Path) -> socket.socket:
    """Return a listening Unix socket at `path` that only its owner can open.

    A socket left by a dead daemon is replaced; the caller holds the state directory's lock.

    Raises:
        ConfigInvalid: the path is too long, taken by something else, or cannot be written.
    """
    if len(os.fsencode(path)) > PATH_MAX:
        raise ConfigInvalid(
            f"control socket {path}: longer than {PATH_MAX} bytes; choose a shorter state directory"
        )
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    before = os.umask(0o177)
    try:
        if path.exists() and stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()
        listener.bind(os.fspath(path))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigInvalid(f"control socket {path}: {error.strerror}; free the path") from None
    finally:
        os.umask(before)
    listener.setblocking(False)
    return listener


class Control:
    """Commands become events and wait for their Answer; questions go to `ask`."""

    def __init__(self, parts: DaemonParts, emit: Callable[[Event], None]) -> None:
        self._parts = parts
        self._clock = parts.clock
        self._emit = emit
        self._waiting: dict[str, asyncio.Future[Answer]] = {}
        self._clients: set[asyncio.Task[None]] = set()
        self._commands = 0

    def answer(self, answer: Answer) -> None:
        """Hand the kernel's answer to whoever waits for it."""
        waiting = self._waiting.get(answer.command_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def run(self, listener: socket.socket, path: Path) -> None:
        """Serve until cancelled; the socket file goes with the server, and comes back if removed.

        Without its file nobody could order this daemon any more, though it lives.
        """
        try:
            while True:
                server = await asyncio.start_unix_server(self._serve, sock=listener, limit=LINE_MAX)
                try:
                    listener = await self._opened_anew(path)
                finally:
                    server.close()
        finally:
            _remove(path)
            for client in self._clients:
                client.cancel()

    async def _opened_anew(self, path: Path) -> socket.socket:
        """Wait until the socket file is gone; return a listener at its place."""
        told = ""
        while True:
            await self._clock.sleep_s(LOOK_S)
            if _is_there(path):
                continue
            try:
                listener = open_socket(path)
            except ConfigInvalid as error:
                if str(error) != told:
                    told = str(error)
                    logger.warning("control: {}", told)
                continue
            logger.warning("control: {} was removed, and is there again", path)
            return listener

    async def command(
        self, name: str, args: dict[str, str], operator: str, key: str = ""
    ) -> Answer:
        """Put a command into the inbox and return the kernel's answer (other doors use it too).

        Raises:
            TimeoutError: no answer in time; the command may still be executed.
        """
        if not key:
            self._commands += 1
            key = f"{self._parts.run_id[:8]}-k{self._commands}"
        now_ns = self._clock.now_ns()
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[key] = waiting
        self._emit(
            Command(
                command_id=key,
                name=name,
                args=args,
                operator=operator,
                event_ns=now_ns,
                received_ns=now_ns,
            )
        )
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                return await waiting
        finally:
            self._waiting.pop(key, None)

    # -------------------------------------------------------------- one client

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = asyncio.current_task()
        if client is None:
            return
        self._clients.add(client)
        try:
            uid = peer_uid(writer)
            if uid not in (os.getuid(), 0):
                await self._write(writer, _no("this socket serves its owner only"))
            elif len(self._clients) > CLIENTS_MAX:
                await self._write(writer, _no(f"{CLIENTS_MAX} clients are being served, try again"))
            else:
                await self._talk(reader, writer, f"uid:{uid}")
        except (OSError, TimeoutError):
            return  # it went away or is too slow: nobody to tell
        finally:
            self._clients.discard(client)
            writer.close()

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, operator: str
    ) -> None:
        while True:
            try:
                async with asyncio.timeout(LINE_DEADLINE_S):
                    line = await reader.readline()
            except ValueError:
                await self._write(writer, _no(f"a request is one line of at most {LINE_MAX} bytes"))
                await _discard(reader)
                return
            except TimeoutError:
                await self._write(writer, _no(f"no whole line within {LINE_DEADLINE_S:.0f} s"))
                return
            if not line:
                return
            await self._write(writer, await self._answer_line(line, operator))

    async def _answer_line(self, line: bytes, operator: str) -> dict[str, object]:
        try:
            request = msgspec.json.decode(self._parts.clean(line.decode()), type=Request)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return _no(f"not a request: {str(error)[:200]}")
        try:
            if request.name in COMMANDS:
                answer = await self.command(request.name, request.args, operator, request.id)
                return {"ok": answer.accepted, "text": answer.text, "command_id": answer.command_id}
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                return {"ok": True, "data": await self._ask(request)}
        except TimeoutError:
            return _no(f"{request.name[:40]}: no answer within {ANSWER_DEADLINE_S:.0f} s")
        except BotError as error:
            return _no(str(error))
        except Exception as error:
            logger.exception("control: {} failed", request.name[:40])
            return _no(f"{request.name[:40]} failed ({type(error).__name__}); see the log")

    async def _write(self, writer: asyncio.StreamWriter, answer: dict[str, Any]) -> None:
        line = self._parts.clean(msgspec.json.encode(answer).decode())
        writer.write(line.encode() + b"\n")
        async with asyncio.timeout(LINE_DEADLINE_S):
            await writer.drain()

    async def _ask(self, request: Request) -> dict[str, object]:
        found = self._parts.ask(request.name, request.args)
        if inspect.isawaitable(found):
            return await found
        return found


def peer_uid(writer: asyncio.StreamWriter) -> int:
    """Return the user id of the process at the other end, as the system knows it."""
    peer = writer.get_extra_info("socket")
    raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    _pid, uid, _gid = CREDENTIALS.unpack(raw)
    return int(uid)


async def _discard(reader: asyncio.StreamReader) -> None:
    """Take in what is still being sent, so that the refusal reaches its sender."""
    left = DISCARD_MAX
    async with asyncio.timeout(DISCARD_S):
        while left > 0 and (data := await reader.read(LINE_MAX)):
            left -= len(data)


def _is_there(path: Path) -> bool:
    return path.exists()


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _no(text: str) -> dict[str, object]:
    return {"ok": False, "error": " ".join(text.split())}
