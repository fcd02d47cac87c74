"""The preload between a process and its disk: built on first use, spoken to by ctypes."""

import ctypes
import hashlib
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).with_name("disk.c")
HEAD = struct.Struct("<cxxxiqq")


class Touch(NamedTuple):
    """One system call on a watched file."""

    op: str
    path: int
    offset: int
    data: bytes


def built() -> Path | None:
    """Return the library; None where there is no C compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return None
    mark = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    library = Path(tempfile.gettempdir()) / f"breakwater-disk-{os.getuid()}-{mark}.so"
    if not library.exists():
        making = library.with_suffix(f".{os.getpid()}")
        command = [compiler, "-O2", "-shared", "-fPIC"]
        subprocess.run([*command, "-o", str(making), str(SOURCE), "-ldl"], check=True, timeout=60)
        making.replace(library)
    return library


def preloaded(library: Path) -> dict[str, str]:
    """Return the environment of a process that is to be watched."""
    return {**os.environ, "LD_PRELOAD": str(library)}


class Disk:
    """The library inside a process that was started with it."""

    def __init__(self) -> None:
        self._own = ctypes.CDLL(None)
        self._own.disk_lose.argtypes = [ctypes.c_int, ctypes.c_uint64]
        self._own.disk_kill_at.argtypes = [ctypes.c_long]
        self._own.disk_calls.restype = ctypes.c_long

    @staticmethod
    def is_here() -> bool:
        return hasattr(ctypes.CDLL(None), "disk_watch")

    def watch(self, word: str) -> None:
        self._own.disk_watch(word.encode())

    def kill_at(self, boundary: int) -> None:
        """Die at that boundary of a system call, counted from now; 0: never."""
        self._own.disk_kill_at(boundary)

    @property
    def calls(self) -> int:
        return int(self._own.disk_calls())

    def trace(self, fd: int) -> None:
        self._own.disk_trace(fd)

    def lose(self, percent: int, seed: int) -> None:
        """Let that share of syncs claim success and do nothing."""
        self._own.disk_lose(percent, seed)


def touches(trace: bytes) -> Iterator[Touch]:
    """Read a trace; a record that was cut by a kill ends it."""
    at = 0
    while at + HEAD.size <= len(trace):
        op, path, offset, length = HEAD.unpack_from(trace, at)
        at += HEAD.size
        size = length if op in (b"w", b"p") else 0
        if at + size > len(trace):
            return
        yield Touch(op.decode(), path, offset, trace[at : at + size])
        at += size
