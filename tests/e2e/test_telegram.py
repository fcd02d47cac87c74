"""The daemon with Telegram on: a chat with the whole process, kill included, on a real clock."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bot.telegram.commands import QUERIES
from tests.fakes.bot_api import OPERATOR, TOKEN, BotApi
from tests.fakes.daemon import Daemon, Stand, until

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-telegram")]
PNG = b"\x89PNG"


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi(time.time) as made:
        yield made


async def beside(call: Callable[..., Any], *args: Any) -> Any:
    """Wait for something slow while the server of the chat goes on answering."""
    return await asyncio.to_thread(call, *args)


def with_chat(stand: Stand, api: BotApi) -> None:
    secrets = stand.state / "secrets"
    secrets.mkdir(parents=True, mode=0o700)
    (secrets / "telegram_token").write_text(TOKEN)
    (secrets / "telegram_token").chmod(0o600)
    stand.env |= {
        "BREAKWATER_TELEGRAM__API": api.url,
        "BREAKWATER_TELEGRAM__USER_ID": str(OPERATOR),
    }


async def spoken(api: BotApi, text: str, wanted: Callable[[dict[str, Any]], bool]) -> str:
    """Say something and return the answer that is meant."""
    count = len(api.messages)
    api.says(text)
    return (await api.sent(wanted, after=count)).get("text", "")


async def test_a_night_with_the_phone(api: BotApi) -> None:
    with Stand() as stand:
        with_chat(stand, api)
        await beside(stand.start_venue)
        daemon: Daemon = await beside(stand.start_daemon)
        await api.sent(lambda m: "INFO ready" in m.get("text", ""))
        stand.venue.by_hand("BUY", "0.05")
        await beside(daemon.await_protected, "0.05")
        told = await spoken(api, "/positions", lambda m: "BTC LONG" in m.get("text", ""))
        (leg,) = await beside(daemon.positions)
        assert f"{float(leg['stop_price']):,.2f}" in told
        await _every_question(api)
        chart = await _photo(api, "/chart")
        assert chart["photo_bytes"].startswith(PNG)
        await _raise_and_lower(api, daemon)
        replayed = api.next_update
        await spoken(api, "/reduce 40", lambda m: "reducing" in m.get("text", ""))
        await beside(daemon.await_protected, "0.03")
        api.says("/panic", user=666)
        await api.sent(lambda m: "telegram stranger" in m.get("text", ""))
        daemon.kill()
        again: Daemon = await beside(stand.start_daemon)
        api.says("/reduce 40", update_id=replayed)
        await spoken(api, "/version", lambda m: "breakwater" in m.get("text", ""))
        assert [leg["qty"] for leg in await beside(again.positions)] == ["0.03"]
        await spoken(api, "/panic", lambda m: "paused until" in m.get("text", ""))
        await beside(again.await_flat)
        await beside(until, lambda: stand.venue.position() == 0, "the venue is flat")
        rows = await beside(again.journal, "commands")
        assert {row["operator"] for row in rows} == {f"telegram:{OPERATOR}"}
        assert await beside(again.terminate) == 0
        _no_token(stand)


async def _every_question(api: BotApi) -> None:
    for name, query in QUERIES.items():
        if not query.picture:
            count = len(api.messages)
            api.says(f"/{name}")
            told = await api.sent(lambda m: "text" in m, after=count)
            assert "That failed" not in told["text"], (name, told["text"])
            assert "did not work" not in told["text"], (name, told["text"])


async def _photo(api: BotApi, words: str) -> dict[str, Any]:
    count = len(api.messages)
    api.says(words)
    return await api.sent(lambda m: m["photo_bytes"] is not None, after=count)


async def _raise_and_lower(api: BotApi, daemon: Daemon) -> None:
    await spoken(api, "/pause", lambda m: "paused" in m.get("text", ""))
    assert (await beside(daemon.status))["wanted_mode"] == "REDUCING"
    count = len(api.messages)
    api.says("/resume")
    asked = await api.sent(lambda m: "raises risk" in m.get("text", ""), after=count)
    assert (await beside(daemon.status))["wanted_mode"] == "REDUCING"
    api.presses(asked, "Yes, do it")
    await api.sent(lambda m: "resumed" in m.get("text", ""), after=count)
    assert (await beside(daemon.status))["wanted_mode"] == "ACTIVE"


def _no_token(stand: Stand) -> None:
    """The token is in its secret alone: in no log, journal or file of the state."""
    secret = TOKEN.partition(":")[2].encode()
    places = [*stand.root.rglob("*.jsonl*"), *stand.root.rglob("*.log")]
    places += [p for p in stand.state.rglob("*") if p.is_file() and p.parent.name != "secrets"]
    assert len(places) > 3
    for place in places:
        assert secret not in place.read_bytes(), place
    json.loads((stand.state / "telegram.json").read_text())


async def test_a_chat_that_is_down_delays_no_protection(api: BotApi) -> None:
    with Stand() as stand:
        with_chat(stand, api)
        await api.gone()
        await beside(stand.start_venue)
        daemon: Daemon = await beside(stand.start_daemon)
        stand.venue.by_hand("BUY", "0.05")
        await beside(daemon.await_protected, "0.05")
        await api.back()
        told = await api.sent(lambda m: "ready" in m.get("text", "").lower(), within_s=120)
        assert told["chat"]["id"] == OPERATOR


def test_a_token_without_an_operator_is_one_clear_line() -> None:
    with Stand() as stand:
        stand.env["BREAKWATER_SECRET_TELEGRAM_TOKEN"] = TOKEN
        done = stand.run("run")
        assert done.returncode == 2
        line = [text for text in done.stderr.splitlines() if "telegram.user_id" in text]
        assert len(line) == 1
        assert "Traceback" not in done.stderr
        assert TOKEN not in done.stderr
