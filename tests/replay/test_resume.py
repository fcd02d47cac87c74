"""A replay that was cut off goes on from its file and ends as if nothing had happened."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from bot.app.trying.discover import find_strategies
from bot.data.folder import read_folder
from bot.domain.errors import ConfigInvalid, DataInvalid
from bot.lab.material import Material, material_of
from bot.lab.options import ReplayOptions, ReplayResult
from bot.lab.replay import replay_material
from tests.fakes.market_folder import wavy_folder

ROOT = Path(__file__).resolve().parents[2]
EVERY = 300


class CutOff(Exception):
    """The process ends here."""


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.lab.replay.EVERY", EVERY)
    monkeypatch.setattr("bot.lab.replay.PROGRESS_EVERY", 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wavy_folder(tmp_path_factory.mktemp("wavy") / "data")


def options_of(folder: Path, *, hold: bool) -> ReplayOptions:
    if hold:
        return ReplayOptions(data=folder, hold="long", leverage=10, seed=3)
    names = ("level_bounce", "failed_break", "rally_fade", "reset_reversal")
    return ReplayOptions(data=folder, strategies=find_strategies(ROOT / "strategies", names))


def cut_at(share: float):
    def progress(done: float) -> None:
        if done >= share:
            raise CutOff

    return progress


def alike(one: ReplayResult, two: ReplayResult) -> bool:
    """Whether two results say the same, whatever they were measured with."""
    return msgspec.json.encode(told(one)) == msgspec.json.encode(told(two))


def told(result: ReplayResult) -> dict[str, object]:
    return vars(replace(result, events_per_s=None, traces=None)) | {
        "fills": result.traces.fills, "stops": result.traces.stops, "equity": result.traces.equity,
    }  # fmt: skip


def material(options: ReplayOptions) -> Material:
    return material_of(read_folder(options.data), options)


@pytest.mark.parametrize("hold", [True, False], ids=["held", "strategies"])
def test_cut_off_twice_it_ends_the_same(folder: Path, tmp_path: Path, hold: bool) -> None:
    options = options_of(folder, hold=hold)
    given = material(options)
    straight = replay_material(given, options)
    kept = replace(options, resume=tmp_path / "kept.bin")
    for share in (0.35, 0.8):
        with pytest.raises(CutOff):
            replay_material(given, replace(kept, progress=cut_at(share)))
        assert kept.resume is not None
        assert kept.resume.exists()
    resumed = replay_material(given, kept)
    assert resumed.digest == straight.digest
    assert alike(resumed, straight)
    assert list(tmp_path.iterdir()) == []


def test_it_goes_on_where_it_was_not_at_the_beginning(folder: Path, tmp_path: Path) -> None:
    options = replace(options_of(folder, hold=True), resume=tmp_path / "kept.bin")
    given = material(options)
    with pytest.raises(CutOff):
        replay_material(given, replace(options, progress=cut_at(0.7)))
    seen: list[float] = []
    replay_material(given, replace(options, progress=seen.append))
    assert min(seen) > 0.4


def test_a_file_of_another_replay_or_of_nothing_is_refused(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "kept.bin"
    options = replace(options_of(folder, hold=True), resume=path)
    given = material(options)
    with pytest.raises(CutOff):
        replay_material(given, replace(options, progress=cut_at(0.5)))
    with pytest.raises(ConfigInvalid, match="another replay"):
        replay_material(given, replace(options, seed=4))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataInvalid, match="cannot be read"):
        replay_material(given, options)
    with pytest.raises(ConfigInvalid, match="readings"):
        replay_material(given, replace(options, sense=True))
