"""A sweep through the real kernel: on processes and on a cluster, killed and resumed, one table."""

import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import ConfigInvalid
from bot.lab.sweep.crew import played
from tests.fakes.market_folder import flat_folder

ROOT = Path(__file__).resolve().parents[2]
ENV = {**os.environ, "PYTHONPATH": str(ROOT), "BREAKWATER_CONFIG_DIR": str(ROOT / "config")}
CLUSTER = """
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None,
        worker_dashboard_address=None,
    ) as cluster:
        print(cluster.scheduler_address, flush=True)
        input()
"""


def command(out: Path, *more: str) -> list[str]:
    return [
        sys.executable, "-m", "bot", "sweep", "--data", str(flat_folder()), "--out", str(out),
        "--symbol", "BTC/USDT:USDT", "--param", "stop_atr=0.25,0.5", "--param",
        "chase_atr_max=1.0..2.0:2", "--json", *more,
    ]  # fmt: skip


def swept(out: Path, *more: str) -> dict[str, Any]:
    found = subprocess.run(
        command(out, *more), env=ENV, capture_output=True, timeout=240, check=False
    )
    assert found.returncode == 0, found.stderr.decode()
    document: dict[str, Any] = json.loads(found.stdout)
    return document


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    script = tmp_path_factory.mktemp("cluster") / "cluster.py"
    script.write_text(CLUSTER)
    process = subprocess.Popen(
        [sys.executable, str(script)], env=ENV, cwd=script.parent, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.communicate("\n", timeout=60)


def test_killed_and_resumed_on_processes_and_on_a_cluster(tmp_path: Path, cluster: str) -> None:
    whole = swept(tmp_path / "whole.jsonl", "--jobs", "2")
    assert whole["tried"] == 4
    assert len(whole["plateau"]) == 4
    cut = tmp_path / "cut.jsonl"
    with subprocess.Popen(
        command(cut, "--jobs", "1"), env=ENV, text=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("sweep: 1 of 4"):
                process.send_signal(signal.SIGKILL)
                break
    left = len(cut.read_bytes().splitlines()) - 1
    assert 1 <= left < 4
    assert swept(cut, "--cluster", cluster) == whole


def test_a_cluster_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    found = subprocess.run(
        command(tmp_path / "x", "--cluster", "tcp://127.0.0.1:1"), env=ENV, capture_output=True,
        timeout=120, check=False,
    )  # fmt: skip
    told = [line for line in found.stderr.decode().splitlines() if not line.startswith("sweep: ")]
    assert found.returncode == 2
    assert len(told) == 1
    assert "cannot be reached" in told[0]


def test_a_cluster_that_cannot_load_the_program_is_one_line(
    tmp_path: Path, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "known_here_alone.py").write_text("def play(job):\n    return job\n")
    monkeypatch.syspath_prepend(tmp_path)
    here = importlib.import_module("known_here_alone")
    with pytest.raises(ConfigInvalid, match="cannot load what they are sent"):
        list(played(here.play, [1, 2], processes=1, cluster=cluster))
