"""`sweep --compiled`: its trials are what kernel, gate and exchange make of the same folder."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bot.app.cli import run_cli
from bot.domain.errors import ConfigInvalid
from bot.domain.units import NS_PER_MS
from bot.lab.fast.rungs import Rules
from bot.lab.levelled import LevelledTrial, bars_of, material_at, numbers_of, play
from tests.fakes.laddered_year import LEVELS, LadderedYear
from tests.unit.lab.test_laddered import BEGIN_MS, walk

BTC = "BTC/USDT:USDT"
BAR_S = 900
BARS = 700


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A week of quarter hours that fall and rise through many levels."""
    made = tmp_path_factory.mktemp("levels") / "made"
    made.mkdir()
    first, high, low, close = walk(5, BARS, 0.004)
    opened = [BEGIN_MS + 1_000 * BAR_S * bar for bar in range(BARS)]
    times = [datetime.fromtimestamp(ms / 1e3, UTC) for ms in opened]
    rows = {
        "time": pa.array(times, pa.timestamp("ms", tz="UTC")), "venue": ["binance"] * BARS,
        "symbol": [BTC] * BARS, "timeframe": ["15m"] * BARS, "open": first, "high": high,
        "low": low, "close": close, "volume": [1_000.0] * BARS,
    }  # fmt: skip
    pq.write_table(pa.table(rows), made / "candles.parquet")
    return made


def test_a_set_over_a_folder_is_what_kernel_and_exchange_make_of_it(folder: Path) -> None:
    material = material_at(folder, BTC)
    params = {"stop_frac": 0.008, "target_frac": 0.015, "half_frac": 0.004, "halt_frac": 0.008}
    rule, rules = numbers_of(params, material.instruments[0], 100_000.0)
    bars = bars_of(material)
    assert not bars.funding.any(), "no funding is recorded"
    levels = tuple((level, 0) for level in LEVELS)
    fast = play(material, levels, rule, rules)
    year = LadderedYear(rules, int(bars.ns[0]) // NS_PER_MS, bar_s=BAR_S, rule=rule)
    columns = [bars.first, bars.high, bars.low, bars.close]
    year.play([each.tolist() for each in columns], (bars.ns // NS_PER_MS).tolist())
    assert fast.trades == year.stage.tally.trades > 5
    assert fast.cuts == len(year.cuts())
    assert fast.final_equity_usd == pytest.approx(year.equity_usd(), rel=1e-12)
    chained = 100_000.0 * float(np.prod(1.0 + np.array(fast.days)))
    assert chained == pytest.approx(fast.final_equity_usd, rel=1e-9), "a day's return each"
    assert len(fast.days) == 8


def test_funding_is_due_at_the_close_that_meets_its_settlement(
    folder: Path, tmp_path: Path
) -> None:
    made = tmp_path / "paid"
    made.mkdir()
    shutil.copy(folder / "candles.parquet", made)
    settled = [BEGIN_MS + 8 * 3_600_000 * number for number in range(1, 20)]
    rows = {
        "time": pa.array([datetime.fromtimestamp(ms / 1e3, UTC) for ms in settled],
                         pa.timestamp("ms", tz="UTC")),
        "venue": ["binance"] * 19, "symbol": [BTC] * 19, "rate": [1e-4 * n for n in range(1, 20)],
        "interval_hours": [8.0] * 19,
    }  # fmt: skip
    pq.write_table(pa.table(rows), made / "funding.parquet")
    bars = bars_of(material_at(made, BTC))
    due = np.flatnonzero(bars.funding)
    closes_ms = bars.ns[due] // NS_PER_MS + 1_000 * BAR_S
    assert closes_ms.tolist() == settled
    assert bars.funding[due] == pytest.approx(rows["rate"])


def test_a_share_of_the_time_is_the_beginning_of_the_whole(folder: Path) -> None:
    trial = LevelledTrial(folders=(folder,), symbol=BTC, levels=tuple((p, 0) for p in LEVELS))
    whole, half = trial({}, 1.0), trial({}, 0.5)
    known = half.days["made"][:-1]
    assert len(known) >= 2
    assert whole.days["made"][: len(known)] == known
    assert 0 < half.trades < whole.trades


def test_a_level_that_is_not_known_yet_is_not_traded(folder: Path) -> None:
    late = LevelledTrial(
        folders=(folder,), symbol=BTC, levels=tuple((p, 2 * 10**18) for p in LEVELS)
    )
    assert late({}, 1.0).trades == 0


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"stop_atr": 1.0}, "no such number; known: band_frac, stop_frac"),
        ({"stop_frac": 0.0}, "must be above 0"),
        ({"leverage_max": 20.0, "stop_frac": 0.02}, "within two stop distances"),
    ],
)
def test_a_set_that_cannot_be_played_says_why(
    folder: Path, params: dict[str, float], told: str
) -> None:
    contract = material_at(folder, BTC).instruments[0]
    with pytest.raises(ConfigInvalid, match=told):
        numbers_of(params, contract, 1e5)
    assert numbers_of({"cycles_max": 3.0}, contract, 1e5)[1] == Rules(cycles_max=3)


def test_the_command_plays_a_grid_and_refuses_what_it_cannot(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["sweep", "--compiled", "--data", str(folder), "--jobs", "1", "--json"]
    grid = ["--param", "stop_frac=0.006,0.009", "--param", "target_frac=0.01,0.02"]
    levels = ["--level", "76000", "--level", "76500", "--level", "75500", "--level", "77000"]
    out = ["--out", str(tmp_path / "levels.jsonl")]
    assert run_cli([*words, "--symbol", BTC, *grid, *levels, *out]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["tried"], document["failed"]) == (4, 0)
    assert sum(row["trades"] for row in document["trials"]) > 4
    assert run_cli([*words, "--param", "stop_atr=1,2"]) == 2
    assert "--compiled has no such number" in capsys.readouterr().err
    assert run_cli([*words, *grid, "--symbol", "SOL/USDT:USDT"]) == 2
    assert "give --level PRICE" in capsys.readouterr().err
    assert run_cli([*words, *grid, "--symbol", BTC, "--symbol", "ETH/USDT:USDT"]) == 2
    assert "one symbol" in capsys.readouterr().err
    plain = [word for word in words if word != "--compiled"]
    assert run_cli([*plain, *grid, *levels]) == 2
    assert "only --compiled takes prices" in capsys.readouterr().err
