"""Binance's fundingInfo: how often funding is settled, contract by contract."""

from collections.abc import Iterable

from bot.domain.units import finite_positive
from bot.venue import fields


def funding_intervals_s(rows: Iterable[object]) -> dict[str, int]:
    """Parse fundingInfo: seconds by contract id; contracts that are not listed keep the default."""
    found = {}
    for item in rows:
        source = fields.row(item, "funding info")
        hours = finite_positive(source.get("fundingIntervalHours"), "fundingIntervalHours")
        found[fields.text(source, "symbol", "funding info")] = round(hours * 3600)
    return found
