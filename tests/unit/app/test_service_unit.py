"""The systemd unit: hard to break out of, and in step with what the program does."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.app.config.credentials import FOLDER_CREDENTIAL
from bot.app.config.settings import load_settings
from bot.runtime.lag import BLOCKED_S
from bot.runtime.parts import Options
from bot.runtime.supervisor import LAST_WRITES_S

ROOT = Path(__file__).resolve().parents[3]
UNIT = ROOT / "deploy" / "breakwater.service"
EXPOSURE_MAX = 2.0


@pytest.fixture
def service() -> dict[str, str]:
    reader = configparser.ConfigParser(strict=False, interpolation=None)
    reader.optionxform = str  # type: ignore[assignment,method-assign]
    reader.read(UNIT)
    return dict(reader["Service"])


@pytest.fixture
def analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze is absent: exposure NOT measured (apt-get install systemd)")
    return found


def test_exposure_is_low(analyze: str) -> None:
    told = subprocess.run(
        [analyze, "security", "--offline=true", str(UNIT)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", told.stdout)
    assert found, told.stderr
    assert float(found[1]) <= EXPOSURE_MAX


def test_systemd_understands_every_line(analyze: str) -> None:
    told = subprocess.run(
        [analyze, "verify", str(UNIT)], capture_output=True, text=True, check=False, timeout=60
    )
    lines = [line for line in told.stderr.splitlines() if "breakwater.service" in line]
    assert [line for line in lines if "is not executable" not in line] == []


def test_times_fit_the_program(service: dict[str, str]) -> None:
    options = Options()
    watchdog_s = float(service["WatchdogSec"])
    assert service["Type"] == "notify"
    # two blind passes and a stuck loop that is forgiven must not be taken for death
    assert watchdog_s > 2 * (options.coverage_s + options.read_deadline_s) + BLOCKED_S
    assert float(service["TimeoutStopSec"]) > options.drain_s + 3 * LAST_WRITES_S
    assert float(service["TimeoutStartSec"]) > options.start_deadline_s
    assert "StartLimitIntervalSec=0" in UNIT.read_text()
    assert service["Restart"] == "always"


def test_it_loads_secrets_where_the_program_looks(
    service: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service["LoadCredential"].split(":")[0] == FOLDER_CREDENTIAL
    assert service["UMask"] == "0077"
    assert service["StateDirectoryMode"] == "0700"
    start = "Environment=BREAKWATER_BREAKWATER__"
    lines = [line for line in UNIT.read_text().splitlines() if line.startswith(start)]
    assert lines
    for line in lines:
        name, _, value = line.removeprefix(start).partition("=")
        monkeypatch.setenv(f"BREAKWATER_BREAKWATER__{name}", value)
        table = load_settings(ROOT / "config").breakwater
        assert str(getattr(table, name.lower())) == value
