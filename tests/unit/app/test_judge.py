"""Judging goes on where it was cut off, and gives the same table however many work at it."""

import json

import pytest

from bot.app.config.places import places_of
from bot.app.config.settings import load_settings
from bot.app.trying import judge as judging
from bot.domain.errors import DataInvalid
from tests.fakes.market_folder import wavy_folder

NAMES = ("level_bounce", "failed_break")


@pytest.fixture
def wanted(config, tmp_path):
    settings = load_settings(config)
    folder = wavy_folder(tmp_path / "waves")
    return judging.trials(
        places_of(settings, config), settings, NAMES, [folder], ("BTC/USDT:USDT",), "touch"
    )


def test_every_strategy_alone_and_all_together_with_and_without_the_guard(wanted) -> None:
    assert [(t.name, t.enabled, t.guard) for t in wanted] == [
        (name, enabled, guard)
        for name, enabled in (
            ("level_bounce", ("level_bounce",)),
            ("failed_break", ("failed_break",)),
            ("together", NAMES),
        )
        for guard in (True, False)
    ]


def test_cut_off_in_the_middle_it_goes_on_and_ends_the_same(wanted, tmp_path) -> None:
    keep = tmp_path / "kept.jsonl"
    wanted = wanted[:3]
    whole = judging.judge(wanted)
    judging.judge(wanted[:2], keep=keep)
    told = []
    again = judging.judge(wanted, keep=keep, told=lambda *row: told.append(row))
    assert again == whole
    assert len(told) == len(wanted) - 2
    assert len(keep.read_bytes().splitlines()) == len(wanted)
    assert judging.judge(wanted, keep=keep, told=lambda *_: pytest.fail("nothing is left")) == whole


def test_other_numbers_are_judged_anew(wanted, config, tmp_path, edit) -> None:
    keep = tmp_path / "kept.jsonl"
    judging.judge(wanted[:1], keep=keep)
    edit("strategies.toml", "[strategies.params.level_bounce]",
         "[strategies.params.level_bounce]\nstop_atr = 0.5")  # fmt: skip
    settings = load_settings(config)
    other = judging.trials(
        places_of(settings, config), settings, NAMES, [wanted[0].folder], wanted[0].symbols, "touch"
    )
    assert other[0].numbers != wanted[0].numbers
    told = []
    judging.judge(other[:1], keep=keep, told=lambda *row: told.append(row))
    assert len(told) == 1


def test_two_processes_give_what_one_gives(wanted) -> None:
    assert judging.judge(wanted[:2], jobs=2) == judging.judge(wanted[:2], jobs=1)


def test_a_broken_file_of_scores_names_its_line(wanted, tmp_path) -> None:
    keep = tmp_path / "kept.jsonl"
    keep.write_text(json.dumps({"strategy": 3}) + "\n")
    with pytest.raises(DataInvalid, match=r"kept\.jsonl line 1: "):
        judging.judge(wanted[:1], keep=keep)
