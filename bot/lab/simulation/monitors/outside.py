"""How long it takes until a change past the bot is believed, and that a silent price is noticed.

Invariants 9 of the bars and 22: an external change within 5 s, a price that stopped within 10 s.
"""

from typing import Final

from bot.domain.messages import Event, Fill
from bot.domain.orders import PositionSide
from bot.domain.units import NS_PER_S, ZERO
from bot.kernel.snapshot import leg_key
from bot.kernel.view import price_age_s
from bot.lab.simulation.life import Life
from bot.lab.simulation.monitors.verdicts import Verdicts
from bot.lab.simulation.world import ACCOUNT, World

SILENT_MAX_S: Final = 10.0
SLACK_S: Final = 2.0


class OutsideMonitor:
    """A clock for each foreign execution, from the venue to the belief.

    It waits while the venue cannot be reached or the daemon is down.
    """

    def __init__(self, world: World, verdicts: Verdicts) -> None:
        self._world = world
        self._verdicts = verdicts
        self._since_ns: dict[str, int] = {}
        self._looked_ns = 0

    def happened(self, event: Event) -> None:
        """Start the clock of a symbol that somebody else traded."""
        if isinstance(event, Fill) and not event.client_order_id.startswith("bw"):
            self._since_ns.setdefault(event.symbol, self._world.now_ns)

    def observe(self, life: Life) -> None:
        """Stop the clocks of what is believed after a step."""
        if not self._since_ns:
            return
        for symbol, since_ns in list(self._since_ns.items()):
            if self._is_believed(life, symbol):
                seen_s = (self._world.now_ns - since_ns) / NS_PER_S
                self._verdicts.sample("external", max(seen_s, 0.0))
                del self._since_ns[symbol]

    def looked(self, now_ns: int) -> None:
        """Let the clocks wait for what nobody can see; judge silent prices once a second."""
        life = self._world.hearer
        alive = isinstance(life, Life) and life.ready
        if not alive or not self._world.reachable(""):
            self._since_ns = dict.fromkeys(self._since_ns, now_ns)
        if now_ns - self._looked_ns < NS_PER_S:
            return
        self._looked_ns = now_ns
        if alive and now_ns - self._world.excused_ns > 10 * NS_PER_S:
            assert isinstance(life, Life)  # noqa: S101 - `alive` says so
            self._judge_prices(life, now_ns)

    def _is_believed(self, life: Life, symbol: str) -> bool:
        true = {
            leg.side: leg.qty for leg in self._world.exchange.legs(ACCOUNT) if leg.symbol == symbol
        }
        for side in PositionSide:
            leg = life.kernel.state.legs.get(leg_key(symbol, side))
            if (leg.qty if leg is not None else ZERO) != true.get(side, ZERO):
                return False
        return True

    def _judge_prices(self, life: Life, now_ns: int) -> None:
        for symbol, heard_ns in life.heard.items():
            silent_s = (now_ns - heard_ns) / NS_PER_S
            market = life.kernel.state.markets.get(symbol)
            if silent_s < SILENT_MAX_S + SLACK_S or market is None:
                continue
            self._world.mark("price_silent")
            known = not market.feed_live or price_age_s(life.kernel.state, market) > SILENT_MAX_S
            if not known:
                text = f"a silent price is taken for a fresh one: {symbol} {silent_s:.0f} s"
                self._world.note(f"VIOLATION 22 {text}")
                self._verdicts.broken(22, self._world.lived_s, text)
