"""The equity that rules of loss may believe."""

from bot.kernel.snapshot import BotState
from bot.kernel.track import equity_usd, settled


def believed_equity_usd(state: BotState) -> float | None:
    """Return equity without an unexplained jump; None while wallet and positions disagree."""
    if state.wallet_ns == 0 or not settled(state):
        return None
    return equity_usd(state) - (state.unexplained_usd if state.unexplained_ns else 0.0)
