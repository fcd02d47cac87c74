"""A long campaign can be ended at any time and goes on where it was."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.app.cli import run_cli
from bot.domain.errors import DataInvalid
from bot.lab.simulation.ledger import played

HOURS = "0.02"


Simulated = Callable[[Path, str], dict[str, object]]


@pytest.fixture
def simulated(capsys: pytest.CaptureFixture[str]) -> Simulated:
    """The command, with its log and its seeds; its document."""

    def run(path: Path, seeds: str) -> dict[str, object]:
        asked = ["simulate", "--seeds", seeds, "--hours", HOURS, "--jobs", "1", "--json"]
        code = run_cli([*asked, "--log", str(path)])
        out, err = capsys.readouterr()
        assert code == 0, err
        found: dict[str, object] = json.loads(out)
        return found

    return run


def test_what_was_played_is_not_played_again(simulated: Simulated, tmp_path: Path) -> None:
    path = tmp_path / "seeds"
    simulated(path, "1..2")
    torn = path.read_bytes()
    path.write_bytes(torn + b'{"hours": 0.02, "outc')
    whole = simulated(path, "1..3")
    assert whole == simulated(tmp_path / "another", "1..3")
    assert path.read_bytes().startswith(torn)
    assert len(path.read_bytes().splitlines()) == 3
    before = path.read_bytes()
    assert simulated(path, "1..3") == whole
    assert path.read_bytes() == before


def test_a_file_of_something_else_is_refused(simulated: Simulated, tmp_path: Path) -> None:
    path = tmp_path / "seeds"
    path.write_text("seed 1: sound\n")
    with pytest.raises(DataInvalid, match="line 1"):
        played(path, 0.02)
    path.unlink()
    simulated(path, "1..1")
    with pytest.raises(DataInvalid, match=r"a run of 0\.02 hours, not 3"):
        played(path, 3.0)
