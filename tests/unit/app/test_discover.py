"""Strategies are found by file name, and nothing else is run."""

import pytest

from bot.app.trying.discover import find_strategies, strategy_files
from bot.domain.errors import ConfigInvalid

GOOD = '''
from bot.sdk import Atr, Bars, Parameters


class Params(Parameters, frozen=True):
    depth: Atr = 1.0
    bars: Bars = 3


class Dip:
    """Buys nothing."""

    name = "{name}"
    needs = ("range",)
    warmup_bars = 1

    def __init__(self, params: Params) -> None:
        self.params = params

    def start(self):
        return {{}}

    def evaluate(self, view, memory):
        return memory, ()
'''


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "dip.py").write_text(GOOD.format(name="dip"))
    (tmp_path / "ant.py").write_text(GOOD.format(name="ant"))
    (tmp_path / "_part.py").write_text("raise SystemExit('must not be loaded')")
    return tmp_path


def test_files_are_sorted_and_parts_are_left_out(folder):
    assert list(strategy_files(folder)) == ["ant", "dip"]


def test_enabled_ones_come_sorted_with_their_numbers(folder):
    found = find_strategies(folder, ["dip", "ant"], {"dip": {"depth": 2.5}})
    assert [strategy.name for strategy in found] == ["ant", "dip"]
    assert found[1].params.depth == 2.5


def test_a_file_that_is_not_enabled_is_not_run(folder):
    (folder / "boom.py").write_text("raise RuntimeError('ran')")
    assert len(find_strategies(folder, ["dip"])) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("raise RuntimeError('ran')", "cannot be loaded: RuntimeError: ran"),
        ("def broken(:", "cannot be loaded: SyntaxError"),
        ("x = 1", "exactly one strategy class, found 0"),
        (GOOD.format(name="bad") + GOOD.format(name="bad").replace("Dip", "Dup"), "found 2"),
        (GOOD.format(name="other"), "calls itself 'other'"),
        (GOOD.format(name="bad").replace('"range"', '"luck"'), "needs 'luck', known: contract"),
        (GOOD.format(name="bad").replace("needs =", "wants ="), "needs must be a tuple"),
        (GOOD.format(name="bad").replace("bars = 1\n", "bars = 900\n"), "of 1 to 144"),
        (GOOD.format(name="bad").replace("(Parameters, frozen=True)", ""), "frozen bot.sdk.Param"),
        (GOOD.format(name="bad").replace("self.params = params", "1 / 'a'"), "cannot be made"),
    ],
)
def test_a_file_that_is_no_strategy_refuses_in_one_line(folder, text, words):
    (folder / "bad.py").write_text(text)
    with pytest.raises(ConfigInvalid) as caught:
        find_strategies(folder, ["bad"])
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_name_and_an_unknown_number_refuse(folder):
    with pytest.raises(ConfigInvalid, match=r"'dop' is not in .*; known: ant, dip"):
        find_strategies(folder, ["dop"])
    with pytest.raises(ConfigInvalid, match=r"dip\.width: no such number; known: depth, bars"):
        find_strategies(folder, ["dip"], {"dip": {"width": 1.0}})


def test_numbers_are_bounded_and_whole_where_they_must_be(folder):
    (found,) = find_strategies(folder, ["dip"], {"dip": {"bars": 5.0, "depth": 2.0}})
    assert (found.params.bars, found.params.depth) == (5, 2.0)
    for wrong in ({"bars": 1.5}, {"bars": 0.0}, {"depth": 21.0}, {"depth": -1.0}):
        with pytest.raises(ConfigInvalid, match=r"^strategies\.params\.dip: Expected [^\n]*$"):
            find_strategies(folder, ["dip"], {"dip": wrong})
    with pytest.raises(AttributeError):
        found.params.bars = 7


def test_a_missing_folder_refuses(tmp_path):
    with pytest.raises(ConfigInvalid, match="no such folder"):
        find_strategies(tmp_path / "none", ["dip"])


def test_a_file_that_leads_out_of_the_folder_is_not_run(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "evil.py"
    elsewhere.write_text("raise RuntimeError('ran')")
    (folder / "evil.py").symlink_to(elsewhere)
    with pytest.raises(ConfigInvalid, match="leads out of the strategies folder"):
        find_strategies(folder, ["dip"])


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "_part", "dip.py", ""])
def test_a_name_is_no_path(folder, name):
    with pytest.raises(ConfigInvalid, match="is not in"):
        find_strategies(folder, [name])


def test_what_everybody_may_write_is_not_run(folder):
    (folder / "dip.py").chmod(0o666)
    with pytest.raises(ConfigInvalid, match="chmod o-w"):
        find_strategies(folder, ["ant"])
    (folder / "dip.py").chmod(0o644)
    folder.chmod(0o777)
    with pytest.raises(ConfigInvalid, match="chmod o-w"):
        find_strategies(folder, ["ant"])
