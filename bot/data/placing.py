"""Puts tables into a data folder all at once: the folder is the old one or the new one."""

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from bot.domain.errors import DataInvalid

_BEFORE: Final = ".before-import"
_AFTER: Final = ".after-import"


@contextmanager
def placing(folder: Path) -> Iterator[None]:
    """Hold the right to write `folder`; what a killed writer left is put right first.

    Raises:
        DataInvalid: another import writes beside it, or the place cannot be written.
    """
    parent = folder.absolute().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(parent, os.O_RDONLY)
    except OSError as error:
        raise DataInvalid(f"{parent}: cannot be written ({error.strerror})") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _mend(folder)
        yield
    except BlockingIOError:
        raise DataInvalid(f"{parent}: another import is writing there; wait for it") from None
    finally:
        os.close(handle)


def place(folder: Path, tables: Mapping[str, pa.Table]) -> None:
    """Write `tables` by file name beside what `folder` holds; it changes with one rename.

    Raises:
        DataInvalid: the place cannot be written; nothing was changed.
    """
    after, before = _beside(folder, _AFTER), _beside(folder, _BEFORE)
    try:
        if folder.is_dir():
            shutil.copytree(folder, after, copy_function=os.link)
        else:
            after.mkdir()
        for name, table in tables.items():
            write_table(after / name, table)
        sync(after)
        if folder.is_dir():
            folder.rename(before)
        after.rename(folder)
        sync(folder.absolute().parent)
    except OSError as error:
        _mend(folder)
        raise DataInvalid(f"{folder}: cannot be written ({error.strerror or error})") from None
    shutil.rmtree(before, ignore_errors=True)


def write_table(path: Path, table: pa.Table) -> None:
    """Write one parquet file that appears whole or not at all.

    Raises:
        OSError: it cannot be written; nothing of it is left.
    """
    half = path.with_name(f".{path.name}.half")
    try:
        pq.write_table(table, half, compression="zstd", write_page_checksum=True)
        with half.open("rb") as file:
            os.fsync(file.fileno())
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def _mend(folder: Path) -> None:
    after, before = _beside(folder, _AFTER), _beside(folder, _BEFORE)
    if before.is_dir() and not folder.exists():
        before.rename(folder)
    shutil.rmtree(after, ignore_errors=True)
    shutil.rmtree(before, ignore_errors=True)


def _beside(folder: Path, suffix: str) -> Path:
    whole = folder.absolute()
    return whole.with_name(f".{whole.name}{suffix}")


def sync(folder: Path) -> None:
    """Make names in `folder` durable. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
