"""`breakwater init`: comments stay, secrets are private, a bad answer changes nothing."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bot.app.config.first_setup import Chosen, write_choice
from bot.app.config.settings import load_settings
from bot.domain.errors import ConfigInvalid

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "config", tmp_path / "config"))


def test_answers_are_kept_and_comments_with_them(config: Path, tmp_path: Path) -> None:
    chosen = Chosen(
        mode="testnet", profile="L25", symbols=("ETH/USDT:USDT",), telegram_user_id=77,
        secrets={"binance_testnet_key": "k" * 20},
    )  # fmt: skip
    told = write_choice(chosen, config, tmp_path / "state")
    settings = load_settings(config)
    assert settings.breakwater.mode == "testnet"
    assert (settings.risk.profile, settings.risk.symbols) == ("L25", ("ETH/USDT:USDT",))
    assert settings.telegram.user_id == 77
    before = [line for line in (ROOT / "config/risk.toml").read_text().splitlines() if "#" in line]
    after = (config / "risk.toml").read_text()
    assert all(line.partition("#")[2] in after for line in before)
    secret = tmp_path / "state/secrets/binance_testnet_key"
    assert secret.read_text().strip() == "k" * 20
    assert secret.stat().st_mode & 0o777 == 0o600
    assert secret.parent.stat().st_mode & 0o777 == 0o700
    assert "k" * 20 not in " ".join(told)


def test_a_share_of_ones_own_takes_the_profiles_place(config: Path, tmp_path: Path) -> None:
    write_choice(Chosen(profile="0.15"), config, tmp_path / "state")
    risk = tomllib.loads((config / "risk.toml").read_text())["risk"]
    assert risk["loss_budget_frac"] == 0.15
    assert "profile" not in risk
    write_choice(Chosen(profile="L30"), config, tmp_path / "state")
    assert load_settings(config).risk.profile == "L30"


@pytest.mark.parametrize(
    ("chosen", "word"),
    [
        (Chosen(profile="L99"), "profile"),
        (Chosen(profile="0.9"), "loss_budget_frac"),
        (Chosen(symbols=("BTCUSD",)), "symbols"),
        (Chosen(mode="testnet", profile="nan"), "loss_budget_frac"),
    ],
)
def test_a_bad_answer_changes_nothing(
    config: Path, tmp_path: Path, chosen: Chosen, word: str
) -> None:
    before = {path.name: path.read_bytes() for path in config.iterdir()}
    with pytest.raises(ConfigInvalid, match=word):
        write_choice(chosen, config, tmp_path / "state")
    assert {path.name: path.read_bytes() for path in config.iterdir()} == before
    assert not (tmp_path / "state").exists()


def test_the_command_asks_and_says_what_it_wrote(config: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "init", "--json"],
        input="paper\nL30\nBTC/USDT:USDT, ETH/USDT:USDT\n\n",
        env={"PATH": "/usr/bin", "PYTHONPATH": str(ROOT), "BREAKWATER_CONFIG_DIR": str(config)},
        cwd=config.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert ' config check"' in done.stdout
    assert load_settings(config).risk.symbols == ("BTC/USDT:USDT", "ETH/USDT:USDT")
    assert "A gap can exceed any of them" in done.stderr
