"""Strategies are found by file name, and nothing else is run."""

import pytest

from bot.app.discover import find_strategies, strategy_files
from bot.domain.errors import ConfigInvalid

GOOD = '''
class Dip:
    """Buys nothing."""

    name = "{name}"
    warmup_bars = 1

    def __init__(self, depth: float = 1.0) -> None:
        self.depth = depth

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
    assert found[1].depth == 2.5


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
    with pytest.raises(ConfigInvalid, match=r"strategies\.params\.dip: .*width"):
        find_strategies(folder, ["dip"], {"dip": {"width": 1.0}})


def test_a_missing_folder_refuses(tmp_path):
    with pytest.raises(ConfigInvalid, match="no such folder"):
        find_strategies(tmp_path / "none", ["dip"])
