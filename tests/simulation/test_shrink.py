"""A failing list of faults shrinks to what the failure needs."""

from hypothesis import given
from hypothesis import strategies as st

from bot.lab.simulation.faults import Fault
from bot.lab.simulation.shrink import smallest


def listed(count: int) -> list[Fault]:
    return [Fault(kind="jump", at_s=float(number), serial=number) for number in range(count)]


@given(count=st.integers(1, 40), needed=st.sets(st.integers(0, 39), max_size=4))
def test_only_what_is_needed_is_left(count: int, needed: set[int]) -> None:
    wanted = {number for number in needed if number < count}

    def fails(some: list[Fault]) -> bool:
        return wanted <= {fault.serial for fault in some}

    left = smallest(listed(count), fails, 10_000)
    assert {fault.serial for fault in left} == wanted


def test_it_gives_up_in_time_with_a_list_that_still_fails() -> None:
    tried = 0

    def fails(some: list[Fault]) -> bool:
        nonlocal tried
        tried += 1
        return len(some) >= 30

    left = smallest(listed(64), fails, 20)
    assert tried <= 20
    assert len(left) >= 30
