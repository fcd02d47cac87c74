"""Real money is asked for three times; options of one mode are refused in another."""

from itertools import combinations

import pytest

from bot.app.config.mode import RunWish, settled
from bot.app.config.policy import policy_of
from bot.app.config.settings import load_settings
from bot.domain.errors import ConfigInvalid
from bot.domain.risk import Enforce

WORDS = ("live_confirmed", "--yes-live", "--enforce")


@pytest.mark.parametrize(
    "given", [some for n in range(3) for some in combinations(WORDS, n)], ids=str
)
def test_live_wants_all_three_words_and_names_the_missing(config, edit, given):
    if "live_confirmed" in given:
        edit("breakwater.toml", "live_confirmed = false", "live_confirmed = true")
    wish = RunWish(
        mode="live",
        yes_live="--yes-live" in given,
        enforce="full" if "--enforce" in given else None,
    )
    with pytest.raises(ConfigInvalid) as caught:
        settled(load_settings(config), wish)
    for word in WORDS:
        assert (word in str(caught.value)) is (word not in given)


def test_live_with_all_three_words_is_live(config, edit):
    edit("breakwater.toml", "live_confirmed = false", "live_confirmed = true")
    wish = RunWish(mode="live", yes_live=True, enforce="stop_only")
    settings = settled(load_settings(config), wish)
    policy = policy_of(settings, mode=settings.breakwater.mode)
    assert policy.guard.enforce is Enforce.STOP_ONLY
    assert policy.guard.relever is False


def test_live_in_the_file_alone_is_not_enough(config, edit):
    edit("breakwater.toml", 'mode = "paper"', 'mode = "live"')
    with pytest.raises(ConfigInvalid, match="--yes-live"):
        settled(load_settings(config), RunWish())


@pytest.mark.parametrize("wish", [{"scenario": "default"}, {"speed": 2.0}])
def test_paper_options_are_refused_elsewhere(config, wish):
    with pytest.raises(ConfigInvalid, match="for paper mode only"):
        settled(load_settings(config), RunWish(mode="testnet", **wish))


def test_the_command_line_wins_over_the_file(config):
    settings = settled(load_settings(config), RunWish(speed=7.0, read_only=True))
    assert settings.breakwater.paper.speed == 7.0
    assert settings.breakwater.read_only is True
    assert settings.breakwater.paper.scenario == "default"
