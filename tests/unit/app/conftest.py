import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A private copy of the shipped configuration, and an environment without overrides."""
    for name in list(os.environ):
        if name.startswith("BREAKWATER_") and name != "BREAKWATER_SHARED":
            monkeypatch.delenv(name)
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    folder = tmp_path / "config"
    shutil.copytree(ROOT / "config", folder)
    shutil.copytree(ROOT / "strategies", tmp_path / "strategies")
    return folder


@pytest.fixture
def edit(config):
    """Replace text in one file of the configuration; the text must be there."""

    def change(name: str, old: str, new: str) -> None:
        path = config / name
        text = path.read_text()
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new, 1))

    return change
