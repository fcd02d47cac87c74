"""Turns answers into Prometheus text: unknown is absent, never zero."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from bot.answers.question import Answered

Ask = Callable[[str, dict[str, str]], Awaitable[Answered]]
ASKED = ("status", "positions", "risk", "pulse", "market")
MODES = ("ACTIVE", "REDUCING", "HALTED")
Labels = dict[str, str]


def exposition(ask: Ask) -> Callable[[], Awaitable[bytes]]:
    """Return what writes the text of one scrape."""

    async def scrape() -> bytes:
        answers = {name: await ask(name, {}) for name in ASKED}
        registry = CollectorRegistry()
        registry.register(_Told(answers))
        ProcessCollector(namespace="breakwater", registry=registry)
        return generate_latest(registry)

    return scrape


class _Told(Collector):
    """The metrics of one scrape."""

    def __init__(self, answers: Mapping[str, Answered]) -> None:
        self._answers = answers

    @override
    def collect(self) -> Iterable[Metric]:
        """Yield every family that has a value."""
        status, risk = self._answers["status"], self._answers["risk"]
        yield from _account(status, risk)
        yield from _counters(status)
        yield from _legs(_rows(self._answers["positions"], "positions"))
        yield from _markets(
            _rows(self._answers["pulse"], "markets"),
            _rows(self._answers["market"], "markets"),
            _rows(status, "markets"),
        )
        yield from _venues(_rows(status, "venues"))


def _rows(answer: Answered, key: str) -> list[Answered]:
    found = answer.get(key)
    return found if isinstance(found, list) else []


def _number(value: object) -> float | None:
    if value is None or isinstance(value, bool):
        return None if value is None else float(value)
    try:
        return float(str(value))
    except ValueError:
        return None


def _family(name: str, words: str, values: Iterable[tuple[Labels, object]]) -> Iterator[Metric]:
    kept = [(labels, number) for labels, value in values if (number := _number(value)) is not None]
    if kept:
        gauge = GaugeMetricFamily(f"breakwater_{name}", words, labels=list(kept[0][0]))
        for labels, number in kept:
            gauge.add_metric(list(labels.values()), number)
        yield gauge


def _account(status: Answered, risk: Answered) -> Iterator[Metric]:
    one: Labels = {}
    for name, words, value in (
        ("equity_usd", "Equity of the account", status.get("equity_usd")),
        ("wallet_usd", "Wallet of the account", status.get("wallet_usd")),
        ("high_water_usd", "Peak of equity", status.get("high_water_usd")),
        ("drawdown_frac", "Fall of equity from its peak", status.get("drawdown_frac")),
        ("day_result_usd", "Result of the UTC day", status.get("day_result_usd")),
        ("budget_left_usd", "What may still be lost", risk.get("budget_left_usd")),
        ("positions", "Positions held", status.get("positions")),
        ("stops_working", "Stops resting at the venue", status.get("stops_working")),
        ("entries_pending", "Entries whose end is not known", status.get("entries_pending")),
        ("account_age_seconds", "Since the account was told", status.get("account_age_s")),
        ("user_stream_live", "1 while the account stream is live", status.get("user_stream_live")),
        ("latched", "1 while the loss budget is used up", status.get("latched")),
    ):
        yield from _family(name, words, [(one, value)])
    bare = status.get("unprotected")
    count = len(bare) if isinstance(bare, list) else None
    yield from _family("unprotected", "Positions without a full stop", [(one, count)])
    modes = [({"mode": mode}, float(status.get("mode") == mode)) for mode in MODES]
    yield from _family("mode", "1 for the trading mode in force", modes)


def _counters(status: Answered) -> Iterator[Metric]:
    counters = status.get("counters")
    if not isinstance(counters, dict):
        return
    for name, words in (
        ("trades", "Trades that ended"),
        ("guard_actions", "Cuts and exits of the guard"),
        ("liquidations", "Liquidations"),
    ):
        number = _number(counters.get(name))
        if number is not None:
            yield CounterMetricFamily(f"breakwater_{name}", words, value=number)
    refused = counters.get("refusals")
    if isinstance(refused, dict):
        family = CounterMetricFamily("breakwater_refusals", "Refusals", labels=["reason"])
        for reason, count in sorted(refused.items()):
            family.add_metric([str(reason)], float(count))
        yield family


def _legs(legs: list[Answered]) -> Iterator[Metric]:
    for name, words in (
        ("notional_usd", "Notional of a position"),
        ("upnl_usd", "Open result of a position"),
        ("liq_distance_frac", "Way to liquidation, share of the mark"),
        ("stop_distance_frac", "Way to the stop, share of the mark"),
        ("margin_ratio_frac", "Maintenance over equity of the leg"),
        ("protected", "1 when a full stop rests at the venue"),
    ):
        rows = [
            ({"symbol": str(leg["symbol"]), "side": str(leg["side"])}, leg.get(name))
            for leg in legs
        ]
        yield from _family(f"position_{name}", words, rows)


def _markets(
    judged: list[Answered], sensed: list[Answered], priced: list[Answered]
) -> Iterator[Metric]:
    for rows, name, words in (
        (judged, "threat", "Threat to longs, 1 to 5"),
        (judged, "threat_short", "Threat to shorts, 1 to 5"),
        (judged, "pulse", "Pulse, 0 to 100"),
        (judged, "stress", "Stress, 0 to 100"),
        (sensed, "funding_8h_frac", "Funding per 8 h"),
        (sensed, "open_interest_coin", "Open interest in coins"),
        (sensed, "liq_long_24h_usd", "Longs liquidated in 24 h"),
        (sensed, "liq_short_24h_usd", "Shorts liquidated in 24 h"),
        (priced, "mark", "Mark price"),
        (priced, "mark_age_s", "Since the mark was told, seconds"),
        (priced, "feed_live", "1 while the market feed is live"),
    ):
        values = [({"symbol": str(row["symbol"])}, row.get(name)) for row in rows]
        yield from _family(f"market_{name}", words, values)


def _venues(venues: list[Answered]) -> Iterator[Metric]:
    for name, words in (
        ("live", "1 while the venue is heard"),
        ("frames_per_s", "Frames a second"),
        ("gaps", "Gaps seen"),
        ("reconnects", "Connections made anew"),
        ("unreadable", "Frames that could not be read"),
    ):
        values = [({"venue": str(row["venue"])}, row.get(name)) for row in venues]
        yield from _family(f"venue_{name}", words, values)
