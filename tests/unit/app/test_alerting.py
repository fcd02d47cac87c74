"""From the tables [alerts] and [telegram] to channels that work, or one clear line."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.alerts.webhook import signature
from bot.app.clock import SystemClock
from bot.app.config.alert_plans import plan_of
from bot.app.config.credentials import ENV_PREFIX
from bot.app.config.places import Places, make_state, places_of
from bot.app.config.settings import load_settings
from bot.app.keep import FileKeep
from bot.app.scrub import Scrubber
from bot.app.telling.front import Front, program_version
from bot.app.telling.noticeboard import Noticeboard
from bot.app.wiring.alerts import Alerting, ailment, open_alerting, wishes
from bot.app.wiring.telegram import chat_config
from bot.domain.errors import ConfigInvalid
from bot.domain.messages import Notify
from bot.domain.risk import Severity, TradingMode
from bot.kernel.snapshot import BotState
from tests.fakes.receivers import HttpSink, SmtpSink
from tests.unit.alerts.test_desk import Said

TOKEN = "4242424242:AAnot_a_real_token_0123456789abcdef"


@pytest.fixture
def places(config: Path) -> Places:
    made = places_of(load_settings(config), config)
    make_state(made)
    (made.state / "secrets").mkdir(mode=0o700)
    return made


def secret(places: Places, name: str, value: str) -> None:
    path = places.state / "secrets" / name
    path.write_text(value)
    path.chmod(0o600)


async def opened(places: Places, stack: AsyncExitStack, scrubber: Scrubber) -> Alerting:
    return await open_alerting(
        load_settings(places.config), places, scrubber, SystemClock(), stack,
        more=[], state=BotState, health={"ready": True},
    )  # fmt: skip


async def test_switched_on_channels_carry_alerts_and_their_secrets_are_scrubbed(
    places, monkeypatch
):
    scrubber = Scrubber()
    for name in ("WEBHOOK", "APPRISE", "HEARTBEAT"):
        monkeypatch.setenv(f"BREAKWATER_ALERTS__{name}__ENABLED", "true")
    async with HttpSink() as sink, SmtpSink() as mail, AsyncExitStack() as stack:
        secret(places, "alerts_webhook_url", f"{sink.url}/hook/very-secret-path")
        secret(places, "alerts_webhook_key", "shared-key-of-two")
        secret(places, "alerts_heartbeat_url", f"{sink.url}/ping/uuid-of-the-switch")
        address = f"mailto://127.0.0.1:{mail.port}/?from=a@b.net&to=c@d.net&mode=insecure"
        secret(places, "alerts_urls", f"# mail\n{address}\n\n")
        alerting = await opened(places, stack, scrubber)
        house = Said()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(door.run(house)) for door in alerting.doors]
            alerting.desk.put(
                Notify(event_ns=1, severity=Severity.CRITICAL, kind="latch", text="all closed")
            )
            async with asyncio.timeout(30):
                while not (mail.mails and len(sink.got) >= 2):
                    await asyncio.sleep(0.01)
            for task in tasks:
                task.cancel()
    got = {path: (headers, body) for path, headers, body in sink.got}
    headers, body = got["/hook/very-secret-path"]
    assert json.loads(body)["alerts"][0]["texts"] == ["all closed"]
    time_s = int(headers["X-Breakwater-Time"])
    assert headers["X-Breakwater-Signature"] == signature(b"shared-key-of-two", time_s, body)
    assert got["/ping/uuid-of-the-switch"][1] == b""
    assert "all closed" in mail.mails[0]
    line = f"{sink.url}/hook/very-secret-path shared-key-of-two uuid-of-the-switch"
    assert "secret" not in scrubber.clean(line)
    assert "two" not in scrubber.clean(line)
    assert "uuid" not in scrubber.clean(line)


async def test_a_channel_without_its_secret_is_one_clear_line(places, monkeypatch):
    monkeypatch.setenv("BREAKWATER_ALERTS__WEBHOOK__ENABLED", "true")
    async with AsyncExitStack() as stack:
        with pytest.raises(ConfigInvalid, match=r"secret alerts_webhook_url: not found; put it"):
            await opened(places, stack, Scrubber())


def test_without_a_token_there_is_no_chat_and_nothing_of_it_is_loaded(places):
    import subprocess
    import sys

    assert chat_config(load_settings(places.config), places) is None
    heavy = ("telegram", "apprise", "matplotlib", "httpx", "pyotp")
    code = f"import sys, bot.app.wiring.graph; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_token_needs_an_operator_and_a_second_factor_must_be_one(places, edit, monkeypatch):
    monkeypatch.setenv(ENV_PREFIX + "TELEGRAM_TOKEN", TOKEN)
    with pytest.raises(ConfigInvalid, match="user_id: was 0"):
        chat_config(load_settings(places.config), places)
    edit("telegram.toml", "user_id = 0", "user_id = 77")
    made = chat_config(load_settings(places.config), places)
    assert (made.user_id, made.chat_id, made.totp_secret) == (77, 77, "")
    secret(places, "telegram_totp", "not base 32 !")
    with pytest.raises(ConfigInvalid, match="secret telegram_totp: not base32") as caught:
        chat_config(load_settings(places.config), places)
    assert "32 !" not in str(caught.value)
    secret(places, "telegram_totp", "jbsw y3dp ehpk 3pxp jbsw y3dp ehpk 3pxp")
    assert chat_config(load_settings(places.config), places).totp_secret


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("telegram.toml", "user_id = 0", "user_id = -5", "telegram.user_id"),
        ("telegram.toml", 'ready = "silent"', 'ready = "hushed"', "telegram.kinds.ready"),
        ("telegram.toml", 'api = ""', 'api = "http://evil.example"', "api.telegram.org"),
        ("telegram.toml", "confirm_s = 60.0", "confirm_s = 1.0", "telegram.confirm_s"),
        ("alerts.toml", 'time_zone = "UTC"', 'time_zone = "Mars/Base"', "Europe/Berlin"),
        ("alerts.toml", 'quiet_from = ""', 'quiet_from = "25:00"', "alerts.quiet_from"),
        ("alerts.toml", 'quiet_from = ""', 'quiet_from = "22:00"', "belong together"),
        ("alerts.toml", "escalate_s = 300.0", "escalate_s = 1.0", "alerts.escalate_s"),
    ],
)
def test_a_fault_of_the_tables_is_a_line_with_its_place(config, edit, file, old, new, told):
    edit(file, old, new)
    with pytest.raises(ConfigInvalid) as caught:
        load_settings(config)
    assert file in str(caught.value)
    assert told in str(caught.value)


async def test_loudness_is_read_again_and_the_rest_is_named(places, edit):
    board, front = Noticeboard(), None
    front = Front(load_settings(places.config), places, board, SystemClock(), "run00001")
    answers = front.answers()
    async with AsyncExitStack() as stack:
        alerting = await opened(places, stack, Scrubber())
        front.meet(alerting.desk)
        assert await answers["reload"]({}) | {"config": ""} == {
            "applied": [], "at_next_start": [], "config": "",
        }  # fmt: skip
        edit("telegram.toml", 'ready = "silent"', 'ready = "loud"')
        edit("risk.toml", "risk_frac = 0.005", "risk_frac = 0.004")
        edit("alerts.toml", "escalate_s = 300.0", "escalate_s = 60.0")
        told = await answers["reload"]({})
        assert told["applied"] == ["alerts", "telegram"]
        assert told["at_next_start"] == ["risk"]
        edit("risk.toml", "risk_frac = 0.004", "risk_frac = 4")
        with pytest.raises(ConfigInvalid, match="risk_frac"):
            await answers["reload"]({})
        health = await answers["health"]({})
        assert health["alerts_waiting"] == {}
        assert health["rss_mb"] > 10
        board(Notify(event_ns=5, severity=Severity.INFO, kind="ready", text="x"))
        (event,) = (await answers["events"]({}))["events"]
        assert event["kind"] == "ready"
        alerting.desk.put(
            Notify(event_ns=6, severity=Severity.CRITICAL, kind="latch", text="all closed")
        )
        assert (await answers["health"]({}))["alerts_open"] == ["latch"]
        assert await answers["ack"]({}) == {"acknowledged": ["latch"]}
        assert await answers["ack"]({}) == {"acknowledged": []}
        assert (await answers["version"]({}))["version"] == program_version()


def test_what_ails_the_guard_stops_the_heart():
    assert ailment({"ready": True, "blind": "", "journal": "ok"}) == ""
    assert "not ready" in ailment({})
    assert "blind: ban" in ailment({"ready": True, "blind": "ban"})
    assert "journal: disk" in ailment({"ready": True, "journal": "disk is full"})


def test_wishes_are_read_from_the_belief():
    state = BotState()
    state.now_ns, state.signals = 10, {"a": 3, "b": 5}
    state.wanted_mode = TradingMode.REDUCING
    state.books.refusals = {"COST_SHARE": 4, "LATCHED": 9}
    found = wishes(state)
    assert (found.paused, found.traded_ns, sorted(found.signals_ns)) == (True, 0, [3, 5])
    assert found.refusals == "LATCHED 9, COST_SHARE 4"


def test_quiet_hours_are_minutes_of_the_users_day(config, edit):
    edit("alerts.toml", 'quiet_from = ""', 'quiet_from = "22:30"')
    edit("alerts.toml", 'quiet_to = ""', 'quiet_to = "07:00"')
    quiet = plan_of(load_settings(config).alerts).quiet
    assert (quiet.from_minute, quiet.to_minute) == (1_350, 420)


async def test_a_small_file_is_whole_or_the_one_before(tmp_path):
    keep = FileKeep(tmp_path / "x.json")
    assert keep.load() is None
    await keep.save(b"one")
    await keep.save(b"two")
    assert keep.load() == b"two"
    assert (tmp_path / "x.json").stat().st_mode & 0o777 == 0o600
    (tmp_path / "x.json.new").mkdir()
    with pytest.raises(OSError, match="directory"):
        await keep.save(b"three")
    assert keep.load() == b"two"
