"""Accounts under one budget: what is not seen, and why their own floors bound the loss of all."""

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.house import House
from bot.kernel.houses import is_spent, together

usd = st.floats(0.0, 1e7)


def seen(name: str, equity: float | None, peak: float, floor: float | None = None) -> House:
    return House(
        account=name, venue="binance", equity_usd=equity, floor_usd=floor, peak_usd=peak or None
    )


@given(st.lists(st.tuples(st.none() | usd, usd, st.none() | usd), min_size=1, max_size=6))
def test_a_sum_is_told_only_when_all_are_seen(rows: list) -> None:
    accounts = [seen(str(n), *row) for n, row in enumerate(rows)]
    joint = together(accounts)
    dark = [each for each in accounts if each.equity_usd is None]
    assert joint.unseen == tuple(each.account for each in dark)
    assert (joint.equity_usd is None) == bool(dark)
    assert (joint.at_least_usd is None) == any(each.floor_usd is None for each in dark)
    assert not (dark and is_spent(joint, 0.5))


@given(
    st.lists(st.tuples(st.floats(1.0, 1e6), st.floats(0.0, 1.0)), min_size=1, max_size=5),
    st.floats(0.05, 0.5),
)
def test_accounts_that_keep_their_floors_keep_the_same_floor_together(
    rows: list[tuple[float, float]], budget: float
) -> None:
    """Each has at least (1 - budget) of its own peak, so all have of the sum of the peaks."""
    held = [
        seen(str(n), peak * (1.0 - budget + 1e-9 + budget * above), peak)
        for n, (peak, above) in enumerate(rows)
    ]
    assert not is_spent(together(held), budget)


def test_a_joint_budget_is_spent_by_all_together_and_never_by_what_is_unknown() -> None:
    both = together([seen("a", 80.0, 100.0, 75.0), seen("b", 100.0, 100.0, 80.0)])
    assert is_spent(both, 0.10)
    assert not is_spent(both, 0.11)
    assert not is_spent(both, 0.0)
    half = together([seen("a", 80.0, 100.0, 75.0), seen("b", None, 100.0, 80.0)])
    assert not is_spent(half, 0.10)
    assert (half.equity_usd, half.at_least_usd) == (None, 160.0)
