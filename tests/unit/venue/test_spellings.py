"""Other venues spell coins their own way: found by habit, or as the owner said."""

import pytest

from bot.venue.feeds.contracts import spellings


@pytest.mark.parametrize(
    ("symbol", "named", "found"),
    [
        ("BTC/USDT:USDT", "XBT", [("XBT", 1.0)]),
        ("BTC/USDT:USDT", "", []),
        ("1000PEPE/USDT:USDT", "kPEPE", [("kPEPE", 1.0)]),
        ("1000PEPE/USDT:USDT", "PEPE", [("PEPE", 1e-3)]),
        ("1000PEPE/USDT:USDT", "PEPE10000", [("PEPE10000", 10.0)]),
        ("PEPE/USDT:USDT", "1000000PEPE", [("1000000PEPE", 1e6)]),
    ],
)
def test_a_given_spelling_is_the_only_one(symbol, named, found) -> None:
    assert list(spellings(symbol, {symbol: named})) == found
