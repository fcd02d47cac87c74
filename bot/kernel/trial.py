"""Orders of the venue contract: the smallest there are, never with real money.

The bot itself never sends them: a person asks for the contract, on an account that is flat.
"""

from decimal import Decimal
from typing import Final

from bot.domain.instrument import Instrument
from bot.domain.orders import ApprovedOrder, OrderDraft
from bot.domain.risk import Refusal, RefusalReason
from bot.domain.units import ZERO
from bot.kernel.gate import approved

SMALLEST_FACTOR: Final = 4
"""How many times the smallest quantity an order of the contract may have."""
MARGIN_FRAC: Final = Decimal("1.3")
"""Over the venue's least notional, so that an order away from the price is not too small."""


def smallest_qty(instrument: Instrument, price: Decimal) -> Decimal:
    """Return the least quantity that meets every minimum at `price` and somewhat below."""
    enough = instrument.qty_down(instrument.notional_min_usd * MARGIN_FRAC / price)
    return max(instrument.qty_min, enough + instrument.lot)


def approve_trial(
    draft: OrderDraft,
    *,
    mode: str,
    instrument: Instrument,
    price: Decimal,
    client_order_id: str,
    hedged: bool,
) -> ApprovedOrder | Refusal:
    """Judge an order of the contract: play money, a smallest quantity, on the venue's grid."""
    if mode == "live":
        return Refusal(RefusalReason.MODE_FORBIDS_GROWTH, draft.symbol, mode, "paper or testnet")
    limit = smallest_qty(instrument, price) * SMALLEST_FACTOR
    if not ZERO < draft.qty <= limit:
        return Refusal(
            RefusalReason.ABOVE_MAXIMUM, draft.symbol, f"qty {draft.qty}", f"at most {limit}"
        )
    if draft.qty != instrument.qty_down(draft.qty):
        return Refusal(
            RefusalReason.NOT_ON_GRID, draft.symbol, f"qty {draft.qty}", f"lots of {instrument.lot}"
        )
    return approved(draft, client_order_id, hedged=hedged)
