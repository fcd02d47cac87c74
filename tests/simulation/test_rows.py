"""Rows of the failure catalogue, each made to happen to a held position: nothing may break."""

import pytest

from bot.lab.simulation.campaign import one_seed
from bot.lab.simulation.rows import HOURS, ROWS, faults_of, struck

SEED = 11


@pytest.mark.parametrize("name", ROWS, ids=list(ROWS))
def test_row(name: str) -> None:
    outcome = one_seed(SEED, HOURS, faults_of(name))
    assert outcome.crash == ""
    assert [f"{v.invariant} at {v.at_s}: {v.text}" for v in outcome.violations] == []
    assert struck(name, {**outcome.marks, **outcome.faults}), "it never struck"
    if name == "many_restarts":
        assert outcome.kills >= 15
