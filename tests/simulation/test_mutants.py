"""The list of mutants keeps up with the code, and the worst of them are noticed at once."""

import importlib.util
from pathlib import Path

import pytest

from bot.domain.errors import InvariantBroken
from bot.lab.simulation.mutants.hunt import MUTANTS, hunt
from bot.lab.simulation.mutants.mutant import Mutant
from bot.lab.simulation.mutants.patch import infect, mutated

LEAST = 60
ROOMS = {"coverage", "proof", "gate", "outcomes", "reconcile", "executor", "protect", "start"}
QUICK = ("coverage_acts_once", "the_kernel_places_no_stop", "entries_leave_without_intent")


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


@pytest.mark.volume
def test_gross_mutants_are_noticed_within_hours() -> None:
    some = [mutant for mutant in MUTANTS if mutant.name in QUICK]
    trophies = list(hunt(some, (1, 2, 3), 1.0, jobs=1))
    assert [trophy.name for trophy in trophies if not trophy.killed] == []
