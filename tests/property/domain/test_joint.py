"""Accounts as one: sums, what is not seen, and why floors of their own bound the loss of all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.joint import Seen, crowded, is_spent, together

usd = st.floats(0.0, 1e7)
accounts = st.lists(
    st.builds(
        Seen,
        name=st.text("abc", min_size=1, max_size=3),
        venue=st.sampled_from(["binance", "bybit", "hyperliquid"]),
        fresh=st.booleans(),
        equity_usd=st.none() | usd,
        floor_usd=st.none() | usd,
        peak_usd=usd,
        notional_usd=st.dictionaries(st.sampled_from(["BTC", "ETH"]), st.floats(-1e7, 1e7)),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda each: each.name,
)


@given(accounts)
def test_what_is_not_seen_is_in_no_sum(rows: list[Seen]) -> None:
    joint = together(rows)
    seen = [each for each in rows if each.fresh and each.equity_usd is not None]
    assert set(joint.unseen) == {each.name for each in rows} - {each.name for each in seen}
    assert (joint.equity_usd is None) == (len(seen) < len(rows))
    assert joint == together([*seen, *(_blurred(each) for each in rows if each not in seen)])
    for asset, net in joint.net_usd.items():
        assert net == pytest.approx(sum(each.notional_usd.get(asset, 0.0) for each in seen))


def _blurred(each: Seen) -> Seen:
    """The same account with other old numbers: they must not matter."""
    return Seen(
        name=each.name, venue=each.venue, fresh=False, equity_usd=1.0, floor_usd=each.floor_usd,
        peak_usd=each.peak_usd, notional_usd={"BTC": 12345.0},
    )  # fmt: skip


@given(accounts)
def test_shares_of_venues_are_shares(rows: list[Seen]) -> None:
    joint = together(rows)
    shares = joint.venue_share_frac
    assert all(0.0 <= share <= 1.0 + 1e-12 for share in shares.values())
    if shares:
        assert sum(shares.values()) == pytest.approx(1.0)
        worst = max(shares.values())
        assert crowded(joint, 1.0) == ""
        assert bool(crowded(joint, 0.5)) == (worst > 0.5)


@given(
    st.lists(st.tuples(st.floats(1.0, 1e6), st.floats(0.0, 1.0)), min_size=1, max_size=5),
    st.floats(0.05, 0.5),
)
def test_accounts_that_keep_their_floors_keep_the_same_floor_together(
    rows: list[tuple[float, float]], budget: float
) -> None:
    """Each has at least (1 - budget) of its own peak, so all have of the sum of the peaks."""
    held = [
        Seen(
            name=str(n), venue="binance", fresh=True, floor_usd=None, peak_usd=peak,
            equity_usd=peak * (1.0 - budget + 1e-9 + budget * above), notional_usd={},
        )
        for n, (peak, above) in enumerate(rows)
    ]  # fmt: skip
    assert not is_spent(together(held), budget)


def test_a_joint_budget_is_spent_by_all_together_and_never_by_what_is_unknown() -> None:
    fallen = Seen(
        name="a", venue="binance", fresh=True, equity_usd=80.0, floor_usd=75.0, peak_usd=100.0,
        notional_usd={"BTC": 50.0},
    )  # fmt: skip
    still = Seen(
        name="b", venue="bybit", fresh=True, equity_usd=100.0, floor_usd=80.0, peak_usd=100.0,
        notional_usd={"BTC": -20.0},
    )  # fmt: skip
    dark = Seen(
        name="b", venue="bybit", fresh=False, equity_usd=10.0, floor_usd=80.0, peak_usd=100.0,
        notional_usd={},
    )  # fmt: skip
    both = together([fallen, still])
    assert is_spent(both, 0.10)
    assert not is_spent(both, 0.11)
    assert not is_spent(both, 0.0)
    assert both.shocks[0] == (-0.2, 180.0 - 0.2 * 30.0)
    half = together([fallen, dark])
    assert not is_spent(half, 0.10)
    assert (half.equity_usd, half.at_least_usd) == (None, 160.0)
