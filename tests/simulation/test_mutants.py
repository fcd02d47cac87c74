"""The list of mutants keeps up with the code, and the worst of them are noticed at once."""

import importlib.util
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.domain.errors import InvariantBroken
from bot.lab.simulation.monitors.verdicts import Violation
from bot.lab.simulation.mutants.hunt import MUTANTS, hunt
from bot.lab.simulation.mutants.mutant import Mutant
from bot.lab.simulation.mutants.patch import infect, mutated
from bot.lab.simulation.mutants.trials import (
    TIMES,
    Noise,
    Trial,
    lived,
    louder,
    noise_of,
    prey_of,
)
from bot.lab.simulation.rows import ROWS, WITHOUT

LEAST = 60
ROOMS = {"coverage", "proof", "gate", "outcomes", "reconcile", "executor", "protect", "start"}
QUICK = (
    "coverage_does_not_judge",
    "proof_waits_a_minute",
    "gate_forgets_the_flag",
)


def test_there_are_enough_of_them_in_every_room_of_safety() -> None:
    assert len(MUTANTS) >= LEAST
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert {mutant.module.rsplit(".", 1)[-1] for mutant in MUTANTS} >= ROOMS


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_mutant_fits_the_code_and_still_compiles(mutant: Mutant) -> None:
    spec = importlib.util.find_spec(mutant.module)
    assert spec is not None
    assert spec.origin is not None
    source = mutated(Path(spec.origin).read_text(), mutant)
    compile(source, spec.origin, "exec")


def test_a_text_that_is_not_there_is_told() -> None:
    with pytest.raises(InvariantBroken, match="0 times"):
        mutated("a = 1\n", Mutant("m", "x", "b = 2", "b = 3"))


def test_a_module_that_is_loaded_cannot_be_changed_any_more() -> None:
    with pytest.raises(InvariantBroken, match="loaded already"):
        infect(Mutant("m", "bot.domain.errors", "", ""))


def test_what_stands_out_of_the_noise_is_told_and_nothing_else() -> None:
    trial = Trial("a_vanished_stop", 11, 0.15)
    as_it_is = lived(trial)
    calm = dict.fromkeys(TIMES, 1.0)
    noise = Noise(broken=False, middle_s=calm, worst_s=calm, orders=as_it_is.orders, struck=True)
    assert louder(trial, as_it_is, noise) == ""
    naked = Violation(1, 3.0, "unprotected")
    assert louder(trial, replace(as_it_is, violations=[naked]), noise) == "1: unprotected"
    slower = {"unprotected": [0.1, 6.5]}
    assert "6.5 s" in louder(trial, replace(as_it_is, samples=slower), noise)
    assert "orders" in louder(trial, replace(as_it_is, orders=1_000), noise)
    assert "never" in louder(trial, replace(as_it_is, marks={}, faults={}), noise)


def test_every_mutant_names_worlds_that_are_there() -> None:
    for mutant in MUTANTS:
        assert mutant.worlds, mutant.name
        for trial in prey_of(mutant):
            assert trial.row in ROWS, mutant.name
            assert trial.without in WITHOUT, mutant.name


@pytest.mark.timeout(300)
def test_mutants_are_noticed_in_the_worlds_named_for_them() -> None:
    some = [mutant for mutant in MUTANTS if mutant.name in QUICK]
    worlds = dict.fromkeys(trial for mutant in some for trial in prey_of(mutant))
    noise = {trial: noise_of(trial) for trial in worlds}
    trophies = list(hunt(some, noise, jobs=1, named=True))
    assert len(trophies) == len(QUICK)
    assert [trophy.name for trophy in trophies if not trophy.killed] == []
