"""The control socket over a real Unix socket: its owner is served, nothing thrown at it harms."""

import asyncio
import json
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.domain.errors import ConfigInvalid, DataInvalid
from bot.domain.messages import Answer, Command
from bot.runtime import control
from bot.runtime.control import Control, open_socket
from tests.fakes.ports import LoopClock, Small


class Door:
    """A served control socket whose kernel accepts every command but `rearm`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.commands: list[Command] = []
        self.silent = False
        parts = Small().parts(ask=self.ask, clock=LoopClock())
        self.control = Control(parts, self.take)

    def ask(self, name: str, args: dict[str, str]) -> dict[str, object]:
        if name == "broken":
            raise RuntimeError("a bug")
        if name == "unclear":
            raise DataInvalid("unclear: say which table\nand how many rows")
        return {"name": name, **args}

    def take(self, event: Command) -> None:
        self.commands.append(event)
        if not self.silent:
            accepted = event.name != "rearm"
            self.control.answer(Answer(event.command_id, accepted, f"{event.name} done"))

    async def send(self, *lines: bytes) -> list[dict]:
        reader, writer = await asyncio.open_unix_connection(self.path)
        try:
            for line in lines:
                writer.write(line)
            writer.write_eof()
            data = await reader.read()
        except (BrokenPipeError, ConnectionResetError):
            data = await reader.read()
        finally:
            writer.close()
        return [json.loads(line) for line in data.splitlines()]


def served(path: Path, script: Callable[[Door], Awaitable[None]]) -> None:
    async def main() -> None:
        door = Door(path)
        listener = open_socket(path)
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            serving = group.create_task(door.control.run(listener, path))
            await script(door)
            serving.cancel()

    asyncio.run(main())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


def line(name: str, **args: str) -> bytes:
    return json.dumps({"name": name, "args": args}).encode() + b"\n"


def test_questions_and_commands_are_answered_and_the_file_is_private(path: Path) -> None:
    async def script(door: Door) -> None:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        answers = await door.send(line("status", symbol="BTC"), line("pause"), line("rearm"))
        assert answers[0] == {"ok": True, "data": {"name": "status", "symbol": "BTC"}}
        assert [(a["ok"], a["text"]) for a in answers[1:]] == [
            (True, "pause done"), (False, "rearm done"),
        ]  # fmt: skip
        assert [c.operator for c in door.commands] == [f"uid:{os.getuid()}"] * 2
        assert len({c.command_id for c in door.commands}) == 2

    served(path, script)
    assert not path.exists()


def test_a_command_keeps_the_id_it_came_with(path: Path) -> None:
    async def script(door: Door) -> None:
        await door.send(b'{"name":"pause","id":"mine-1"}\n')
        assert [c.command_id for c in door.commands] == ["mine-1"]

    served(path, script)


@pytest.mark.parametrize(
    "junk",
    [
        b"\n",
        b"hello\n",
        b"\xff\xfe\x00\n",
        b"[]\n",
        b"null\n",
        b'{"name": 1}\n',
        b'{"name": "pause", "args": {"a": 1}}\n',
        b'{"name": "pause", "surprise": true}\n',
        b'{"name": "pause", "args": ' + b"[" * 5_000 + b"\n",
        b'{"name": "unclear"}\n',
        b'{"name": "broken"}\n',
        b"x" * (control.LINE_MAX + 10),
        b"y" * 1_000_000 + b"\n",
    ],
)
def test_junk_gets_one_clear_line_and_the_next_client_is_served(path: Path, junk: bytes) -> None:
    async def script(door: Door) -> None:
        (answer,) = await door.send(junk)
        assert answer["ok"] is False
        assert answer["error"]
        assert "\n" not in answer["error"]
        assert len(answer["error"]) < 300
        assert door.commands == []
        (answer,) = await door.send(line("status"))
        assert answer["ok"] is True

    served(path, script)


def test_a_slow_client_is_told_and_let_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "LINE_DEADLINE_S", 0.05)

    async def script(door: Door) -> None:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b'{"name": "sta')
        answer = json.loads(await reader.read())
        assert "no whole line" in answer["error"]
        writer.close()

    served(path, script)


def test_a_command_without_an_answer_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "ANSWER_DEADLINE_S", 0.05)

    async def script(door: Door) -> None:
        door.silent = True
        (answer,) = await door.send(line("pause"))
        assert "no answer within" in answer["error"]

    served(path, script)


def test_too_many_clients_are_turned_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "CLIENTS_MAX", 2)

    async def script(door: Door) -> None:
        open_ones = [await asyncio.open_unix_connection(path) for _ in range(2)]
        for _reader, writer in open_ones:
            writer.write(line("status"))
        for reader, _writer in open_ones:
            assert json.loads(await reader.readline())["ok"]
        (answer,) = await door.send(b"")
        assert "being served" in answer["error"]
        for _reader, writer in open_ones:
            writer.close()

    served(path, script)


def test_another_user_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "peer_uid", lambda _writer: os.getuid() + 4_321)

    async def script(door: Door) -> None:
        (answer,) = await door.send(b"")
        assert "owner only" in answer["error"]
        assert door.commands == []

    served(path, script)


def test_the_system_says_who_is_at_the_other_end(path: Path) -> None:
    async def script(door: Door) -> None:
        await door.send(line("pause"))
        assert door.commands[0].operator == f"uid:{os.getuid()}"

    served(path, script)


def test_a_dead_daemons_socket_is_replaced_and_a_file_is_not(path: Path) -> None:
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(os.fspath(path))
    stale.close()
    open_socket(path).close()
    path.unlink()
    path.write_text("precious")
    with pytest.raises(ConfigInvalid, match="control socket"):
        open_socket(path)
    assert path.read_text() == "precious"


def test_a_path_that_is_too_long_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="shorter"):
        open_socket(tmp_path / ("x" * 120))


def test_a_client_that_leaves_harms_nobody(path: Path) -> None:
    async def script(door: Door) -> None:
        for _ in range(20):
            _reader, writer = await asyncio.open_unix_connection(path)
            writer.write(line("status") * 50)
            writer.transport.abort()
        (answer,) = await door.send(line("status"))
        assert answer["ok"]

    served(path, script)


def test_a_socket_file_that_was_removed_comes_back(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody tidied up: the daemon lives, and would never be heard nor ordered again."""
    monkeypatch.setattr(control, "LOOK_S", 0.01)

    async def script(door: Door) -> None:
        path.unlink()
        path.mkdir()  # taken by something else, for now
        await asyncio.sleep(0.05)
        path.rmdir()
        while not path.is_socket():
            await asyncio.sleep(0.01)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        (answer,) = await door.send(line("status"))
        assert answer["ok"]

    served(path, script)
    assert not path.exists()


def test_a_socket_that_cannot_come_back_yet_is_tried_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "LOOK_S", 0.01)
    refusals = []

    def refuse(_path: Path) -> socket.socket:
        refusals.append(_path)
        raise ConfigInvalid("control socket: Read-only file system; free the path")

    async def script(door: Door) -> None:
        monkeypatch.setattr(control, "open_socket", refuse)
        path.unlink()
        while len(refusals) < 3:
            await asyncio.sleep(0.01)
        monkeypatch.setattr(control, "open_socket", open_socket)
        while not path.is_socket():
            await asyncio.sleep(0.01)
        assert (await door.send(line("status")))[0]["ok"]

    served(path, script)
