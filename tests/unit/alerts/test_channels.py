"""Channels against real servers on this machine: signed webhook, e-mail, Discord, heartbeat."""

import asyncio
import json

import aiohttp
import pytest

from bot.alerts.apprised import Apprised
from bot.alerts.drought import Wishes, words
from bot.alerts.heartbeat import Heartbeat
from bot.alerts.webhook import Webhook, signature
from bot.answers.alarm import lines_of
from bot.app.clock import SystemClock
from bot.domain.errors import ChannelFailed, ConfigInvalid
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_H, NS_PER_S
from bot.ports import Alert
from tests.fakes.receivers import HttpSink, SmtpSink
from tests.unit.alerts.test_desk import Said

ALERT = Alert(
    alert_id="a7",
    event_ns=1_770_000_000 * NS_PER_S,
    severity=Severity.CRITICAL,
    kind="coverage",
    texts=("BTC/USDT:USDT: LONG 0.05 had no stop; one was placed at 74,100.",),
    symbol="BTC/USDT:USDT",
    count=2,
)


async def test_the_webhook_is_signed_and_says_what_next():
    async with HttpSink() as sink, aiohttp.ClientSession() as session:
        hook = Webhook(session, sink.url + "/hook", "hush-hush", SystemClock(), "breakwater paper")
        await hook.send([ALERT])
    ((path, headers, body),) = sink.got
    assert path == "/hook"
    time_s = int(headers["X-Breakwater-Time"])
    assert headers["X-Breakwater-Signature"] == signature(b"hush-hush", time_s, body)
    assert headers["X-Breakwater-Signature"] != signature(b"hush-hush", time_s + 1, body)
    told = json.loads(body)
    assert told["source"] == "breakwater paper"
    (row,) = told["alerts"]
    assert (row["alert_id"], row["severity"], row["count"]) == ("a7", "CRITICAL", 2)
    assert "/positions" in row["next"]


@pytest.mark.parametrize("status", [500, 429, 404, 302])
async def test_what_the_receiver_did_not_take_is_said_without_its_address(status):
    async with HttpSink(status, retry_after="17") as sink, aiohttp.ClientSession() as session:
        hook = Webhook(session, sink.url + "/secret-path", "k", SystemClock(), "x")
        with pytest.raises(ChannelFailed) as caught:
            await hook.send([ALERT])
        assert len(sink.got) == 1, "no redirect is followed"
    assert caught.value.retry_after_s == (17.0 if status == 429 else 0.0)
    assert str(status) in str(caught.value)
    assert "secret-path" not in str(caught.value)


async def test_a_receiver_that_is_gone_is_said():
    async with HttpSink() as sink:
        url = sink.url
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ChannelFailed, match=r"127\.0\.0\.1"):
            await Webhook(session, url, "k", SystemClock(), "x").send([ALERT])


@pytest.mark.parametrize(
    "url", ["http://example.com/x", "ftp://a", "https://", "no", "https://a b"]
)
async def test_an_address_that_leaks_is_refused_and_not_shown(url):
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ConfigInvalid) as caught:
            Webhook(session, url, "k", SystemClock(), "x")
    assert "example" not in str(caught.value)


async def test_mail_goes_out_by_apprise():
    async with SmtpSink() as sink:
        url = f"mailto://127.0.0.1:{sink.port}/?from=bot@localhost.net&to=me@localhost.net&mode=insecure"
        await Apprised(url, "mailto 1", "Europe/Berlin").send([ALERT])
    (mail,) = sink.mails
    assert "breakwater: CRITICAL coverage BTC" in mail
    assert "To: me@localhost.net" in mail


async def test_discord_goes_out_by_apprise_and_a_refusal_is_said(monkeypatch):
    from apprise.plugins.discord import NotifyDiscord

    async with HttpSink(204, 500) as sink:
        monkeypatch.setattr(NotifyDiscord, "notify_url", sink.url + "/api/webhooks")
        way = Apprised("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "discord 1", "UTC")
        await way.send([ALERT])
        ((path, _, body),) = sink.got
        assert path == "/api/webhooks/4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"
        assert "LONG 0.05 had no stop" in body.decode()
        with pytest.raises(ChannelFailed, match="discord 1"):
            await way.send([ALERT])


def test_an_address_apprise_does_not_know_is_refused_and_not_shown():
    with pytest.raises(ConfigInvalid) as caught:
        Apprised("nonsense://my-password", "alerts_urls 1", "UTC")
    assert "my-password" not in str(caught.value)


async def test_the_heart_beats_while_it_is_well_and_says_when_it_is_not():
    class Ticking(SystemClock):
        async def sleep_s(self, seconds: float) -> None:
            beats.append(seconds)
            if len(beats) == 3:
                wrong.append("blind: the venue is away")
            if len(beats) == 4:
                raise asyncio.CancelledError

    beats: list[float] = []
    wrong: list[str] = []
    house = Said()
    async with HttpSink(500, 500, 500) as sink, aiohttp.ClientSession() as session:
        heart = Heartbeat(session, sink.url + "/ping", 60.0, Ticking(), lambda: "".join(wrong))
        with pytest.raises(asyncio.CancelledError):
            await heart.run(house)
    assert [path for path, _, _ in sink.got] == ["/ping", "/ping", "/ping", "/ping/fail"]
    assert sink.got[-1][2] == b"blind: the venue is away"
    assert [kind for _, kind, _ in house.told] == ["heartbeat"]


async def test_a_start_calls_nobody_until_it_takes_too_long():
    class Ticking(SystemClock):
        passed_ns = 0

        def monotonic_ns(self) -> int:
            return self.passed_ns

        async def sleep_s(self, seconds: float) -> None:
            self.passed_ns += int(seconds * 1e9)
            if self.passed_ns > 80e9:
                raise asyncio.CancelledError

    async with HttpSink() as sink, aiohttp.ClientSession() as session:
        heart = Heartbeat(session, sink.url + "/ping", 10.0, Ticking(), lambda: "starting")
        with pytest.raises(asyncio.CancelledError):
            await heart.run(Said())
    assert [path for path, _, _ in sink.got] == ["/ping/fail"] * 3


def wishes(**changes) -> Wishes:
    facts = {
        "now_ns": 100 * NS_PER_H,
        "signals_ns": (90 * NS_PER_H, 95 * NS_PER_H),
        "traded_ns": 80 * NS_PER_H,
        "paused": False,
        "refusals": "COST_SHARE 2",
    }
    return Wishes(**(facts | changes))


def test_signals_without_trades_are_told_with_what_refused_them():
    assert words(wishes(), 24.0) == ""
    told = words(wishes(), 10.0)
    assert told.startswith("2 signals and no trade for 10.0 h")
    assert "COST_SHARE 2" in told
    assert words(wishes(traded_ns=96 * NS_PER_H), 1.0) == ""
    assert words(wishes(paused=True), 1.0) == ""
    assert words(wishes(signals_ns=()), 1.0) == ""


def test_an_alert_says_what_why_and_what_next_in_the_users_time():
    assert lines_of(ALERT, "Europe/Berlin").splitlines() == [
        "CRITICAL coverage BTC (2 times), 03:40:00 02 Feb",
        "BTC/USDT:USDT: LONG 0.05 had no stop; one was placed at 74,100.",
        "Next: look at /positions; /flatten SYMBOL closes it at the market.",
    ]
