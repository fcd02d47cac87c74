"""What the venue does by the clock alone: marks each second, keys that end, countdowns, calls."""

from typing import Final

from bot.domain.units import NS_PER_S, ZERO
from bot.simulator.binance.account_rows import AccountReading, LegReading, margin_call_leg
from bot.simulator.binance.frames import Row
from bot.simulator.binance.numbers import money_text, ms
from bot.simulator.binance.world import World
from bot.simulator.faults import FaultKind
from bot.simulator.flow import Flow

MARGIN_CALL_RATIO: Final = 0.8
MARGIN_CALL_CALM: Final = 0.6


class Timers:
    """Runs once a second of the clock, on the first beat of it."""

    def __init__(self, world: World, flow: Flow) -> None:
        self._world = world
        self._flow = flow
        self._second = 0
        self._called: set[str] = set()

    def run(self, now_ns: int) -> None:
        """Do what is due at `now_ns` (UTC)."""
        self._end_countdowns(now_ns)
        self._stick(now_ns)
        second = now_ns // NS_PER_S
        if second == self._second:
            return
        self._second = second
        self._flow.on_second()
        self._end_listen_keys(now_ns)
        self._note_funding()
        self._call_margin()

    def _end_countdowns(self, now_ns: int) -> None:
        for (account_id, symbol), at_ns in list(self._world.countdowns.items()):
            if at_ns <= now_ns:
                del self._world.countdowns[(account_id, symbol)]
                self._world.exchange.cancel_all(account_id, symbol, conditional=False)
                self._world.settle()

    def _stick(self, now_ns: int) -> None:
        rules = self._world.faults.in_force(FaultKind.STICK_TRIGGERING, now_ns)
        for symbol, instrument in self._world.by_symbol.items():
            stuck = any(rule.symbol in ("", instrument.venue_id) for rule in rules)
            self._world.exchange.stick_triggering(symbol, stuck)

    def _end_listen_keys(self, now_ns: int) -> None:
        for key in self._world.listen_keys.take_expired(now_ns):
            self._world.end_listening(key.text)

    def _note_funding(self) -> None:
        for symbol, data in self._world.data.items():
            market = self._world.exchange.market(symbol)
            data.note_funding(market.next_funding_ns, market.funding_frac, market.mark)

    # ------------------------------------------------------------------ margin calls

    def _call_margin(self) -> None:
        for account_id in self._world.accounts():
            reading = self._world.reading(account_id)
            endangered = _endangered(reading, MARGIN_CALL_RATIO)
            if endangered and account_id not in self._called:
                self._called.add(account_id)
                self._world.hub.publish_user(
                    account_id, "MARGIN_CALL", _margin_call(reading, endangered)
                )
            elif not _endangered(reading, MARGIN_CALL_CALM):
                self._called.discard(account_id)


def _endangered(reading: AccountReading, ratio: float) -> list[LegReading]:
    """Return the legs whose maintenance eats `ratio` of what stands behind them."""
    cross = [leg for leg in reading.legs if not leg.is_isolated]
    behind = float(reading.cross_wallet_usd + reading.cross_unrealised_usd)
    need = float(sum((leg.maintenance_usd for leg in cross), ZERO))
    found = cross if cross and need >= ratio * behind else []
    for leg in reading.legs:
        backing = float(leg.isolated_wallet_usd + leg.unrealised_usd)
        if leg.is_isolated and float(leg.maintenance_usd) >= ratio * backing:
            found.append(leg)
    return found


def _margin_call(reading: AccountReading, legs: list[LegReading]) -> Row:
    return {
        "e": "MARGIN_CALL",
        "E": ms(reading.event_ns),
        "cw": money_text(reading.cross_wallet_usd),
        "p": [margin_call_leg(leg) for leg in legs],
    }
