"""The days whose figures are public, and three that never were: Pulse, Stress and Threat."""

import pytest

from bot.kernel.assess.facts import Facts
from bot.kernel.assess.pulse import pulse, pulse_word
from bot.kernel.assess.severities import severities
from bot.kernel.assess.stress import WEIGHTS, stress, stress_word
from bot.kernel.assess.threat import level_of, moving
from bot.kernel.sensed import SensePolicy

POLICY = SensePolicy()


def facts(**changes: float | None) -> Facts:
    """The report of 1 February 2026, changed; the hour was quiet."""
    known: dict[str, float | None] = {
        "price": 78_000.0, "liq_24h_usd": 2.56e9, "liq_base_usd": 0.30e9, "long_share": 0.937,
        "oi_change": -0.07, "oi_sd": 0.025, "funding_8h": -1e-4, "funding_med": 5e-5,
        "funding_sd": 4e-5, "range_24h": 0.061, "range_med": 0.028, "ret_24h": -0.065,
        "sd": 0.024, "drop_48h": 0.10, "rise_48h": 0.02, "drop_1h": 0.0, "rise_1h": 0.0,
        "rsi": 28.0, "fear_greed": 14.0, "skew": 9.0, "etf_z": -1.6 / 1.2, "rho": 0.55,
        "equity_ret": -0.01,
    }  # fmt: skip
    return Facts(**(known | changes))


CASCADE = facts()
DAY_AFTER = facts(
    liq_24h_usd=0.659e9, long_share=0.80, liq_1h_usd=144e6, oi_change=-0.02, funding_8h=-8e-5,
    range_24h=0.055, ret_24h=-0.0442, drop_48h=0.06, rsi=29.0, equity_ret=-0.005,
)  # fmt: skip
CRASH = facts(
    liq_24h_usd=19.2e9, long_share=0.87, liq_1h_usd=7e9, oi_change=-0.28, funding_8h=-5e-4,
    funding_med=8e-5, range_24h=0.16, range_med=0.025, ret_24h=-0.075, sd=0.02, drop_48h=0.16,
    rsi=38.0, fear_greed=27.0, skew=12.0, etf_z=2.7 / 1.2, rho=0.5, equity_ret=-0.027,
)  # fmt: skip
CALM = facts(
    liq_24h_usd=0.22e9, long_share=0.55, liq_1h_usd=8e6, oi_change=0.005, funding_8h=6e-5,
    range_24h=0.02, ret_24h=0.004, drop_48h=0.01, rsi=53.0, fear_greed=52.0, skew=1.0,
    etf_z=0.1 / 1.2, rho=0.3, equity_ret=0.002,
)  # fmt: skip
FROTH = facts(
    liq_24h_usd=0.7e9, long_share=0.40, liq_1h_usd=60e6, oi_change=0.06, funding_8h=5e-4,
    funding_med=1e-4, funding_sd=6e-5, range_24h=0.05, range_med=0.03, ret_24h=0.045, sd=0.026,
    drop_48h=0.02, rsi=80.0, fear_greed=88.0, skew=-5.0, etf_z=2.4 / 1.2, rho=0.3,
    equity_ret=0.005,
)  # fmt: skip
MILD = facts(
    liq_24h_usd=0.5e9, long_share=0.80, liq_1h_usd=40e6, oi_change=-0.02, funding_8h=3e-5,
    range_24h=0.035, ret_24h=-0.025, drop_48h=0.03, rsi=43.0, fear_greed=42.0, skew=3.0,
    etf_z=-0.4 / 1.2, rho=0.35, equity_ret=-0.004,
)  # fmt: skip


@pytest.mark.parametrize(
    ("day", "share", "systemic", "lean", "strain", "threat"),
    [
        pytest.param(CASCADE, 0.03, False, 37.4, 87.0, 4, id="1 February 2026"),
        pytest.param(CRASH, 0.36, True, 22.9, 99.0, 5, id="10 October 2025"),
        pytest.param(CALM, 0.04, False, 51.4, 1.5, 1, id="calm"),
        pytest.param(MILD, 0.08, False, 43.9, 4.5, 1, id="mild red"),
        pytest.param(FROTH, 0.08, False, 62.9, 53.5, 2, id="froth"),
    ],
)
def test_a_day_reads_as_reported(
    day: Facts, share: float, systemic: bool, lean: float, strain: float, threat: int
) -> None:
    value = stress(severities(day))
    assert pulse(day, share, systemic=systemic) == pytest.approx(lean, abs=0.06)
    assert value == pytest.approx(strain, abs=0.06)
    falling = moving(day, 1, POLICY) and systemic
    assert level_of(value, POLICY, moving=falling, systemic=systemic) == threat


def test_the_day_after_keeps_its_lean() -> None:
    assert pulse(DAY_AFTER, 144 / 659, systemic=False) == pytest.approx(31.5, abs=0.06)


def test_words() -> None:
    assert (pulse_word(37.4), stress_word(87.0), stress_word(1.5)) == ("Bearish", "Extreme", "Calm")
    assert pulse_word(None) == "Unknown"


def test_the_rush_of_october_is_severe_without_any_flag() -> None:
    value = stress(severities(CRASH))
    assert moving(CRASH, 1, POLICY)
    assert level_of(value, POLICY, moving=True, systemic=False) == 5
    assert level_of(value, POLICY, moving=False, systemic=False) == 4


@pytest.mark.parametrize("missing", [name for name in WEIGHTS if name not in {"ret", "liq"}])
def test_a_lacking_input_does_not_calm_a_bad_day(missing: str) -> None:
    whole = severities(CASCADE)
    rest = {name: value for name, value in whole.items() if name != missing}
    assert stress(rest) >= stress({**whole, missing: 0.0})


def test_nothing_known_is_no_pulse() -> None:
    assert pulse(Facts(), None, systemic=False) is None
    assert severities(Facts()) == {}
