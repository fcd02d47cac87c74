"""What a flush of leverage looks like, what does not, and the life of a cascade."""

import pytest

from bot.kernel.assess import cascade, flush
from bot.kernel.assess.cascade import Rush
from bot.kernel.assess.facts import Facts
from bot.kernel.assess.flush import Clues
from bot.kernel.sensed import CascadeMemory

H, MIN = 3_600 * 10**9, 60 * 10**9
START = 20_000 * 24 * H


def facts(**changes: float | None) -> Facts:
    """The night after: open interest is down, much was forced, the last hour is quiet."""
    known: dict[str, float | None] = {
        "liq_24h_usd": 300e6, "liq_base_usd": 34e6, "long_share": 0.9, "liq_1h_usd": 2e6,
        "oi_change": -0.08, "oi_sd": 0.024, "ret_24h": -0.06, "sd": 0.02, "drop_1h": 0.004,
        "rise_1h": 0.004, "funding_8h": 1e-5, "funding_med": 5e-5, "funding_sd": 3e-5,
    }  # fmt: skip
    return Facts(**(known | changes))


CALM = Clues(oi_1h_change=-0.002, funding_move_sd=-1.5)


class TestFlush:
    def test_a_reset_and_its_evidence(self) -> None:
        found = flush.judge(facts(), CALM)
        assert (found.state, found.partial) == ("LEVERAGE_RESET", False)
        text = "\n".join(found.evidence)
        for part in ("open interest -7.7%", "8.8x an ordinary day", "90% longs", "-3.0 sd",
                     "moved -1.5 sd", "quiet"):  # fmt: skip
            assert part in text
        assert 0.4 < found.completeness < 0.9

    def test_while_it_runs_it_is_no_reset(self) -> None:
        assert flush.judge(facts(liq_1h_usd=60e6), CALM).state == "FLUSH_IN_PROGRESS"
        draining = Clues(oi_1h_change=-0.02)
        assert flush.judge(facts(), draining).state == "FLUSH_IN_PROGRESS"

    @pytest.mark.parametrize(
        "lacking",
        [
            {"oi_change": -0.04}, {"oi_change": None}, {"liq_24h_usd": 100e6},
            {"long_share": 0.7}, {"ret_24h": -0.02}, {"ret_24h": 0.06}, {"sd": None},
        ],
    )  # fmt: skip
    def test_every_part_is_needed(self, lacking: dict[str, float | None]) -> None:
        assert flush.judge(facts(**lacking), CALM).state != "LEVERAGE_RESET"

    def test_without_liquidations_more_interest_must_have_left(self) -> None:
        blind = {"liq_24h_usd": None, "liq_base_usd": None, "liq_1h_usd": None}
        assert flush.judge(facts(**blind), CALM).state == "NONE"
        found = flush.judge(facts(**blind, oi_change=-0.12), CALM)
        assert (found.state, found.partial) == ("LEVERAGE_RESET", True)
        assert "no liquidation feed: partial" in found.evidence

    def test_selling_that_leverage_does_not_explain(self) -> None:
        quiet = {"oi_change": -0.01, "liq_24h_usd": 40e6, "liq_1h_usd": 1e6}
        spot = Clues(oi_1h_change=0.0, spot_cvd_usd=-5e8, netflow_z=1.4)
        assert flush.judge(facts(**quiet), spot).state == "STRUCTURAL_SELLING"
        assert flush.judge(facts(**quiet), CALM).state == "NONE"

    def test_shorts_that_open_into_a_fall(self) -> None:
        attack = {"oi_change": 0.05, "liq_24h_usd": 40e6, "liq_1h_usd": 1e6}
        assert flush.judge(facts(**attack), CALM).state == "SHORT_ATTACK"

    def test_the_mirror_for_shorts(self) -> None:
        assert flush.judge(facts(), CALM, -1).state == "NONE"
        squeezed = facts(ret_24h=0.06, long_share=0.1)
        assert flush.judge(squeezed, CALM, -1).state == "LEVERAGE_RESET"
        assert flush.judge(squeezed, CALM).state == "NONE"


def walk(path: list[tuple[int, bool, float, bool, float | None]]) -> list[str]:
    """Advance by (minutes later, burst, flow, settled, froth)."""
    memory, now, states = CascadeMemory(), START, []
    for minutes, burst, flow, settled, froth in path:
        now += minutes * MIN
        rush = Rush(burst=burst, flow=flow, settled=settled, words="")
        states.append(cascade.advance(memory, now, rush, froth, None))
    return states


class TestCascade:
    def test_the_whole_life(self) -> None:
        path = [
            (0, False, 0, True, 0.5), (5, False, 0, True, 0.85), (5, True, 100, False, 0.85),
            (5, False, 50, False, 0.6), (5, False, 15, False, 0.6), (10, False, 15, False, 0.6),
            (5, False, 15, False, 0.6), (59, False, 5, True, 0.6), (1, False, 5, True, 0.6),
            (23 * 60, False, 0, True, 0.6), (60, False, 0, True, 0.6),
        ]  # fmt: skip
        assert walk(path) == [
            "CALM", "BUILDUP", "ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE", "SUBSIDING", "SUBSIDING",
            "AFTERMATH", "AFTERMATH", "CALM",
        ]  # fmt: skip

    def test_froth_has_two_thresholds(self) -> None:
        path = [(5, False, 0, True, froth) for froth in (0.79, 0.81, 0.75, 0.71, 0.69, 0.75)]
        assert walk(path) == ["CALM", "BUILDUP", "BUILDUP", "BUILDUP", "CALM", "CALM"]

    def test_a_second_wave_is_active_again(self) -> None:
        path = [(0, True, 100, False, None), (1, False, 10, False, None),
                (15, False, 10, False, None), (5, False, 60, False, None)]  # fmt: skip
        assert walk(path) == ["ACTIVE", "ACTIVE", "SUBSIDING", "ACTIVE"]

    def test_potential_alone_is_a_buildup(self) -> None:
        memory = CascadeMemory()
        still = Rush(burst=False, flow=0.0, settled=True, words="")
        assert cascade.advance(memory, START, still, None, 1.2) == "BUILDUP"
        assert cascade.advance(memory, START + MIN, still, None, 0.9) == "CALM"
