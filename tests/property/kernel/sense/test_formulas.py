"""Stress and Pulse keep their promises at every input."""

import math

from hypothesis import given
from hypothesis import strategies as st

from bot.kernel.assess.facts import Facts
from bot.kernel.assess.pulse import pulse
from bot.kernel.assess.severities import NAMES, severities
from bot.kernel.assess.stress import WEIGHTS, stress
from bot.kernel.assess.threat import level_of
from bot.kernel.sensed import SensePolicy

POLICY = SensePolicy()
UNIT = st.floats(0.0, 1.0)
KNOWN = st.dictionaries(st.sampled_from(NAMES), UNIT)


def some(least: float, most: float) -> st.SearchStrategy[float | None]:
    return st.none() | st.floats(least, most)


FACTS = st.builds(
    Facts,
    price=st.floats(1e-6, 1e7),
    liq_24h_usd=some(0.0, 1e12),
    liq_base_usd=some(1.0, 1e11),
    long_share=some(0.0, 1.0),
    liq_1h_usd=some(0.0, 1e12),
    oi_change=some(-5.0, 5.0),
    oi_sd=some(0.005, 1.0),
    funding_8h=some(-0.5, 0.5),
    funding_med=some(-0.01, 0.01),
    funding_sd=some(0.0, 0.01),
    range_24h=some(0.0, 10.0),
    range_med=some(0.0, 1.0),
    ret_24h=some(-0.99, 10.0),
    sd=some(0.0, 1.0),
    drop_48h=some(0.0, 1.0),
    rise_48h=some(0.0, 10.0),
    drop_1h=some(0.0, 1.0),
    rise_1h=some(0.0, 10.0),
    rsi=some(0.0, 100.0),
    fear_greed=some(0.0, 100.0),
    skew=some(-100.0, 100.0),
    etf_z=some(-20.0, 20.0),
    rho=some(-1.0, 1.0),
    equity_ret=some(-0.5, 0.5),
)


@given(KNOWN, st.sampled_from(NAMES), UNIT)
def test_stress_never_falls_when_a_severity_rises(
    known: dict[str, float], name: str, more: float
) -> None:
    before = stress({**known, name: known.get(name, 0.0)})
    after = stress({**known, name: max(more, known.get(name, 0.0))})
    assert 0.0 <= before <= after + 1e-9
    assert after <= 100.0


@given(KNOWN, st.sampled_from(NAMES))
def test_a_calm_input_gone_missing_never_calms(known: dict[str, float], name: str) -> None:
    without = {key: value for key, value in known.items() if key != name}
    if without:
        assert stress(without) >= stress({**without, name: 0.0}) - 1e-9


@given(FACTS, st.sampled_from([1, -1]))
def test_every_severity_is_a_share_and_every_score_is_finite(facts: Facts, side: int) -> None:
    found = severities(facts, side)
    assert set(found) <= set(WEIGHTS)
    assert all(0.0 <= value <= 1.0 for value in found.values())
    assert 0.0 <= stress(found) <= 100.0
    for systemic in (False, True):
        lean = pulse(facts, None, systemic=systemic)
        assert lean is None or (math.isfinite(lean) and 0.0 <= lean <= 100.0)


@given(st.floats(0.0, 100.0), st.booleans(), st.booleans())
def test_no_flag_and_no_movement_lowers_threat(value: float, moving: bool, systemic: bool) -> None:
    plain = level_of(value, POLICY, moving=False, systemic=False)
    assert 1 <= plain <= level_of(value, POLICY, moving=moving, systemic=systemic) <= 5
