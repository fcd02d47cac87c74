"""Journals to be damaged, in memory-backed folders where there are any: a thousand opens each."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def fast():
    """A folder whose flushes cost nothing, so that a thousand openings take seconds."""
    shared = Path("/dev/shm")
    root = shared if shared.is_dir() and os.access(shared, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="journal-", dir=root))
    yield folder
    shutil.rmtree(folder)
