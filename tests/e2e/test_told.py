"""A night with quiet hours, a mail server, two accounts and a day that is told, on a real clock.

Budget: 25 s of one core.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.lives import ENV
from tests.e2e.test_telegram import beside, spoken, with_chat
from tests.fakes.bot_api import BotApi
from tests.fakes.daemon import Daemon, Stand, until
from tests.fakes.market_folder import PRICE
from tests.fakes.receivers import SmtpSink
from tests.fakes.venue_handle import VenueHandle

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-telegram")]


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi(time.time) as made:
        yield made


def quiet_now() -> dict[str, str]:
    """Quiet hours that hold for the next hours, whatever the time is."""
    now = datetime.now(UTC)
    return {
        "BREAKWATER_ALERTS__QUIET_FROM": f"{now - timedelta(hours=1):%H:%M}",
        "BREAKWATER_ALERTS__QUIET_TO": f"{now + timedelta(hours=3):%H:%M}",
    }


def with_mail(stand: Stand, mail: SmtpSink) -> None:
    urls = stand.state / "secrets" / "alerts_urls"
    urls.write_text(f"mailto://127.0.0.1:{mail.port}/?from=a@b.net&to=c@d.net&mode=insecure\n")
    urls.chmod(0o600)
    stand.env["BREAKWATER_ALERTS__APPRISE__ENABLED"] = "true"


async def test_what_a_night_tells_and_how_loud(api: BotApi) -> None:
    two = {"BREAKWATER_ACCOUNTS__BESIDE": json.dumps({"hedge": {"strategies": {"enabled": []}}})}
    digest = {"BREAKWATER_ALERTS__DIGEST_AT": "00:00"}
    async with SmtpSink() as mail:
        with Stand(**{**ENV, **quiet_now(), **two, **digest}) as stand:
            with_chat(stand, api)
            with_mail(stand, mail)
            (stand.state / "digest.json").write_text('{"day":"2026-01-01"}')
            await beside(lambda: stand.start_venue(roomy=True))
            daemon: Daemon = await beside(stand.start_daemon)
            told = await api.sent(lambda m: "INFO digest" in m.get("text", ""))
            assert "+0.00 USD since 20" in told["text"]
            await _one_trade(stand, daemon, api)
            await _loud_and_silent(api, mail)
            await _panic_everywhere(stand, daemon, api)
            assert await beside(daemon.terminate) == 0


async def _one_trade(stand: Stand, daemon: Daemon, api: BotApi) -> None:
    """A wire is crossed and its stop reached: the answers say by what the trade ended."""
    wire = int(PRICE) + 100
    await beside(stand.venue.move, wire + 50.0)
    await beside(until, stand.venue.covers, "an entry with its stop")
    await beside(stand.venue.move, wire * 0.985)
    await beside(daemon.await_flat)

    def ends() -> list[str]:
        return [trade["left_by"] for trade in daemon.ask("trades")["trades"]]

    await beside(until, lambda: ends() == ["STOP"], "the trade is over, and its fill written")
    said = await spoken(api, "/trades", lambda m: "trades closed" in m.get("text", ""))
    assert "1 trades closed, 0 won\nby STOP: 1, 0 won, -" in said


async def _loud_and_silent(api: BotApi, mail: SmtpSink) -> None:
    """In quiet hours a warning is silent in the chat and no mail yet; an alarm is loud."""
    api.says("/status", user=666)
    warning = await api.sent(lambda m: "telegram stranger" in m.get("text", ""))
    assert warning["silent"]
    api.fail("getUpdates", 409, 2)
    api.says("/version")  # ends the question that hangs
    alarm = await api.sent(lambda m: "telegram conflict" in m.get("text", ""))
    assert not alarm["silent"]
    async with asyncio.timeout(60.0):
        while not any("conflict" in each for each in mail.mails):
            await asyncio.sleep(0.05)
    assert not any("stranger" in each for each in mail.mails)


async def _panic_everywhere(stand: Stand, daemon: Daemon, api: BotApi) -> None:
    other = VenueHandle(stand.state / "accounts" / "hedge" / "venue", ca=stand.root / "ca.pem")

    def both() -> bool:
        rows: list[dict[str, Any]] = daemon.ask("accounts")["accounts"]
        return len(rows) == 2 and all(row["seen"] for row in rows)

    await beside(until, both, "both accounts are seen")
    for venue in (stand.venue, other):
        await beside(venue.by_hand, "BUY", "0.02")
        await beside(until, venue.covers, "stopped")
    said = await spoken(api, "/accounts", lambda m: "@hedge" in m.get("text", ""))
    assert "Together" in said
    asked = "hedge: BTC LONG 0.02"
    await spoken(api, "/positions @hedge", lambda m: m.get("text", "").startswith(asked))
    await spoken(api, "/panic", lambda m: m.get("text", "").startswith("hedge: "))
    for venue in (stand.venue, other):
        await beside(until, lambda v=venue: v.position() == 0, "closed")
