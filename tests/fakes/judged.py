"""A judgement of a market with one threat for both sides, for tests that size trades."""

from bot.domain.sense import Assessment, Facts, Flush
from bot.kernel.sense import sensed_for
from bot.kernel.snapshot import BotState

_CALM = Flush(state="NONE", side=1, partial=False, completeness=0.0, evidence=())


def judge(state: BotState, symbol: str, threat: int, *, short: int | None = None) -> None:
    """Put a judgement with this threat into the state, as the senses would."""
    sensed_for(state, symbol).assessment = Assessment(
        symbol=symbol, ns=state.now_ns, pulse=50.0, pulse_word="Neutral", stress=10.0,
        stress_word="Calm", threat=threat, threat_word="test", stress_short=10.0,
        threat_short=short or threat, severities={}, severities_short={}, facts=Facts(),
        degraded=(), floor=1, floor_reasons=(), systemic=(), cascade="CALM", cascade_words="",
        flush=_CALM, flush_short=_CALM, froth=None, liq_source="", liq_venues=(),
        liq_coverage=0.0, liq_long_24h_usd=None, liq_short_24h_usd=None,
        open_interest_qty=None, open_interest_venues=(),
    )  # fmt: skip
