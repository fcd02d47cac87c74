"""Finds the folder of the configuration."""

import os
from pathlib import Path


def config_folder(given: str = "") -> Path:
    """Return the folder of the configuration: `given`, $BREAKWATER_CONFIG_DIR, or ./config."""
    named = given or os.environ.get("BREAKWATER_CONFIG_DIR", "")
    if named:
        return Path(named)
    here = Path("config")
    return here if here.is_dir() else Path(__file__).resolve().parents[3] / "config"
