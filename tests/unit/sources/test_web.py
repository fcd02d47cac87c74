"""Sources over real HTTP on this machine: what they say, and what they refuse."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain.errors import ConfigInvalid, SourceFailed
from bot.domain.market import LiquidationSum, Reading
from bot.domain.units import NS_PER_DAY, NS_PER_H
from bot.ports import SourceAnswer
from bot.sources.addresses import host_of
from bot.sources.daily import Layout
from bot.sources.open import CoinglassConfig, SourcesConfig, WebConfig, open_sources
from tests.fakes import pages
from tests.fakes.pages import Pages, serving

BTC = "BTC/USDT:USDT"


def ns_of(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * 10**9


NOW_NS = ns_of("2026-02-02T12:00:00Z")


class StillClock:
    """It is always noon of 2 February 2026."""

    def now_ns(self) -> int:
        return NOW_NS

    def monotonic_ns(self) -> int:
        return 0

    async def sleep_s(self, seconds: float) -> None:
        raise AssertionError("a source never sleeps")


async def ask(config: SourcesConfig, name: str) -> SourceAnswer:
    room = open_sources(config, StillClock())
    try:
        (source,) = [each for each in room.sources if each.name == name]
        return await source.look()
    finally:
        await room.close()


def web(served: Pages, name: str, path: str, tmp_path: Path, **more: object) -> SourcesConfig:
    changes = {key: more.pop(key) for key in ("deadline_s", "answer_bytes_max") if key in more}
    page = WebConfig(url=served.url + path, every_s=3_600.0, **more)
    return SourcesConfig(symbols=(BTC,), drop_folder=tmp_path, web={name: page}, **changes)


async def test_fear_and_greed_stands_from_its_timestamp_on(tmp_path):
    async with serving() as served:
        served.put("/fng/", pages.MOOD)
        told = await ask(web(served, "fear_greed", "/fng/?limit=2", tmp_path), "fear_greed")
    newest = Reading(
        "fear_greed", "fear_greed", ns_of("2026-02-02T00:00:00Z"), NOW_NS, 14.0,
        origin="127.0.0.1", half_life_ns=NS_PER_DAY,
    )  # fmt: skip
    assert [event.value for event in told.events] == [16.0, 14.0]
    assert told.events[-1] == newest
    assert (told.faults, told.trouble) == ((), "")


async def test_a_return_is_known_when_its_day_has_closed(tmp_path):
    layout = Layout(date_column="observation_date", value_column="SP500")
    async with serving() as served:
        served.put("/fred", pages.CLOSES)
        told = await ask(web(served, "spx_return", "/fred", tmp_path, layout=layout), "spx_return")
    assert [event.name for event in told.events] == ["spx_return"] * 2
    assert told.events[1].value == pytest.approx(6939.03 / 6969.01 - 1.0)
    assert told.events[1].event_ns == ns_of("2026-01-31T00:00:00Z")


async def test_flows_in_millions_with_brackets_and_holes(tmp_path):
    layout = Layout(value_column="Total", scale=1e6)
    name = "btc_etf_net_flow_usd"
    async with serving() as served:
        served.put("/flows", pages.FLOWS)
        told = await ask(web(served, name, "/flows", tmp_path, layout=layout), name)
    assert [event.value for event in told.events] == pytest.approx([-19.6e6, -817.8e6, -509.7e6])
    assert told.faults == ()


async def test_coinglass_sends_the_key_and_tells_closed_windows(tmp_path):
    async with serving() as served:
        served.put("/api/futures/liquidation/aggregated-history", pages.TOTALS)
        served.put("/api/etf/bitcoin/flow-history", pages.FUNDS)
        asked = CoinglassConfig(
            key="secret-key", url=served.url, every_s=60.0, interval="4h",
            exchanges=("Binance", "OKX"), liquidations=True, etf_flow=True,
        )  # fmt: skip
        config = SourcesConfig(symbols=(BTC,), drop_folder=tmp_path, coinglass=asked)
        told = await ask(config, "coinglass")
    first, second, flow = told.events
    end_ns = 1769961600000 * 10**6 + 4 * NS_PER_H
    assert first == LiquidationSum(BTC, end_ns, NOW_NS, "coinglass", 14_400, 5916885.1, 1296958.8)
    assert second.event_ns == end_ns + 4 * NS_PER_H
    assert (flow.source, flow.name, flow.value) == ("coinglass", "btc_etf_net_flow_usd", -5.097e8)
    path, headers = served.asked[0]
    assert "exchange_list=Binance,OKX&symbol=BTC&interval=4h&limit=180" in path
    assert headers["CG-API-KEY"] == "secret-key"
    assert all("secret-key" not in path for path, _ in served.asked)


async def test_a_part_that_fails_is_told_and_the_rest_counts(tmp_path):
    async with serving() as served:
        served.put("/api/futures/liquidation/aggregated-history", pages.REFUSED)
        served.put("/api/etf/bitcoin/flow-history", pages.FUNDS)
        asked = CoinglassConfig(
            key="k", url=served.url, every_s=60.0, interval="1h", exchanges=("Binance",),
            liquidations=True, etf_flow=True,
        )  # fmt: skip
        config = SourcesConfig(symbols=(BTC,), drop_folder=tmp_path, coinglass=asked)
        told = await ask(config, "coinglass")
        assert len(told.events) == 1
        assert "API key missing" in told.trouble
        served.put("/api/etf/bitcoin/flow-history", b'{"code": "0", "data": []}')
        with pytest.raises(SourceFailed, match="API key missing"):
            await ask(config, "coinglass")


@pytest.mark.parametrize(
    ("body", "status", "headers", "says"),
    [
        (b"no such page", 404, {}, "answers 404: check url"),
        (b"slow down", 429, {"Retry_After": "120"}, "asked too often"),
        (b"", 302, {"Location": "https://elsewhere.example/"}, "see 'https://elsewhere"),
        (gzip.compress(pages.MOOD), 200, {"Content_Encoding": "gzip"}, "compressed"),
        (b"[" * 100_000, 200, {}, "not JSON"),
        (b"\xff\xfe", 200, {}, "not JSON"),
        (b"", 200, {}, "not JSON"),
        (b'{"data": {"value": 1}}', 200, {}, "an array is needed"),
        (b'{"data": [{"value": "14"}]}', 200, {}, "no column timestamp"),
        (b'{"data": [], "metadata": {"error": "busy"}}', 200, {}, "the service says 'busy'"),
        (b"x" * 300_000, 200, {}, "more than 200,000 bytes"),
    ],
    ids=[
        "missing", "throttled", "moved", "compressed", "deep", "no text", "empty", "no rows",
        "no columns", "error", "endless",
    ],
)  # fmt: skip
async def test_what_is_no_answer_is_one_line(tmp_path, body, status, headers, says):
    async with serving() as served:
        served.put("/fng/", body, status, **headers)
        config = web(served, "fear_greed", "/fng/", tmp_path, answer_bytes_max=200_000)
        with pytest.raises(SourceFailed, match=says) as caught:
            await ask(config, "fear_greed")
    assert len(str(caught.value).splitlines()) == 1
    assert caught.value.retry_after_s == (120.0 if status == 429 else 0.0)


async def test_nobody_there_is_one_line(tmp_path):
    async with serving() as served:
        config = web(served, "fear_greed", "/fng/", tmp_path)
    with pytest.raises(SourceFailed, match="cannot be reached"):
        await ask(config, "fear_greed")


async def test_a_host_that_was_not_configured_is_not_spoken_to(tmp_path):
    async with serving() as served:
        room = open_sources(web(served, "fear_greed", "/fng/", tmp_path), StillClock())
        try:
            with pytest.raises(SourceFailed, match="not a host that config"):
                await room._door.get("https://elsewhere.example/")
            with pytest.raises(SourceFailed, match="not a host that config"):
                await room._door.get(served.url.replace("127.0.0.1", "localhost"))
        finally:
            await room.close()
        assert served.asked == []


async def test_who_asks_nothing_opens_nothing(tmp_path):
    room = open_sources(SourcesConfig(symbols=(BTC,), drop_folder=tmp_path), StillClock())
    for source in room.sources:
        await source.look()
    assert room._door._session is None
    await room.close()


@pytest.mark.parametrize(
    "url",
    ["http://example.com/x", "ftp://example.com", "https://", "", "https://me:pw@example.com/",
     "https://exa mple.com/", "https://example.com:99999/", "https://[::1", "file:///etc/passwd"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ConfigInvalid, match="needed https://HOST"):
        host_of(url, "sources.fear_greed.url")
