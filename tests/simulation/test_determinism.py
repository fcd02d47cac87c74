"""Same seed, same world: whatever the hash seed, however often, and only then."""

from bot.lab.simulation.campaign import one_seed
from bot.lab.simulation.mix import draw
from tests.process.hashes import HASH_SEEDS, hashes_of

SEEDS = (1, 2, 3)


def test_the_hash_seed_changes_nothing() -> None:
    first, second = (hashes_of(SEEDS, 0.25, hash_seed) for hash_seed in HASH_SEEDS)
    assert first == second
    assert len(set(first)) == len(SEEDS), "every seed is a world of its own"


def test_a_seed_can_be_run_again_from_its_list_of_faults() -> None:
    faults = draw(5, 0.25)
    assert one_seed(5, 0.25).trace_hash == one_seed(5, 0.25, faults).trace_hash


def test_a_fault_less_changes_the_world() -> None:
    faults = draw(5, 0.25)
    assert one_seed(5, 0.25).trace_hash != one_seed(5, 0.25, faults[1:]).trace_hash
