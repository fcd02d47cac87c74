"""What an installation does, one thing a step: each can be told without being done."""

import compileall
import filecmp
import importlib.util
import os
import shutil
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from bot.app.keep import write_whole
from bot.domain.errors import BotError, ConfigInvalid

COMMAND_S = 60.0


class StepFailed(BotError):
    """A step could not be done; those before it were."""


class Step(Protocol):
    """One thing that is done to the machine."""

    def told(self) -> str:
        """Return in one line what it does, or why there is nothing to do."""
        ...

    def do(self) -> None:
        """Do it.

        Raises:
            StepFailed: it cannot be done; the line says what to do.
        """
        ...


class MakeFolder(msgspec.Struct, frozen=True):
    """A folder with a mode of its own; one that is there gets the mode alone."""

    path: Path
    mode: int

    def told(self) -> str:
        """Name the folder."""
        there = _mode(self.path) == self.mode
        return f"{'keep' if there else 'make'} folder {self.path} (mode {self.mode:04o})"

    def do(self) -> None:
        """Make it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=self.mode)
            self.path.chmod(self.mode)
        except OSError as error:
            raise StepFailed(f"{self.path}: cannot be made: {error.strerror}") from None


class WriteFile(msgspec.Struct, frozen=True):
    """A text file, whole or not at all; another text that was there is kept beside it as .old."""

    path: Path
    text: str
    mode: int = 0o644

    def told(self) -> str:
        """Say whether it is new, the same or different."""
        before = _text(self.path)
        if before is None:
            return f"write {self.path}"
        if before == self.text:
            return f"keep {self.path}: it is as it should be"
        return f"write {self.path}; the one that is there stays as {self.path.name}.old"

    def do(self) -> None:
        """Write it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            before = _text(self.path)
            if before == self.text and _mode(self.path) == self.mode:
                return
            if before is not None and before != self.text:
                shutil.copy2(self.path, self.path.with_name(self.path.name + ".old"))
            write_whole(self.path, self.text.encode())
            self.path.chmod(self.mode)
        except OSError as error:
            raise StepFailed(f"{self.path}: cannot be written: {error.strerror}") from None


class CopyMissing(msgspec.Struct, frozen=True):
    """The files of a folder into another one; a file that is there is its owner's and stays."""

    source: Path
    target: Path
    mode: int = 0o644
    leave: Sequence[str] = ()

    def _offered(self) -> list[Path]:
        if not self.source.is_dir() or self.source.resolve() == self.target.resolve():
            return []
        return sorted(
            path
            for path in self.source.iterdir()
            if path.is_file() and path.name[0] != "." and path.name not in self.leave
        )

    def _missing(self) -> list[Path]:
        return [path for path in self._offered() if not (self.target / path.name).exists()]

    def told(self) -> str:
        """Name the files, and those that are there with another text."""
        missing = self._missing()
        names = ", ".join(path.name for path in missing)
        others = [path for path in self._offered() if path not in missing]
        differ = [path.name for path in others if not _same(path, self.target / path.name)]
        told = f"copy to {self.target}: {names or 'nothing, it is all there'}"
        return f"{told}; yours stays though it differs: {', '.join(differ)}" if differ else told

    def do(self) -> None:
        """Copy them."""
        for path in self._missing():
            aim = self.target / path.name
            try:
                write_whole(aim, path.read_bytes())
                aim.chmod(self.mode)
            except OSError as error:
                raise StepFailed(f"{aim}: cannot be written: {error.strerror}") from None


class KeepByteCode(msgspec.Struct, frozen=True):
    """Byte code of a program that never writes itself: without it each start compiles anew."""

    folder: Path

    def _wanting(self) -> list[Path]:
        """Return the modules without byte code, or with that of an older text."""
        return [path for path in sorted(self.folder.rglob("*.py")) if not _is_kept(path)]

    def told(self) -> str:
        """Say how much there is to do."""
        wanting = len(self._wanting())
        if not wanting:
            return f"keep byte code of {self.folder}: it is all there"
        if not os.access(self.folder, os.W_OK):
            return f"nothing to do: {self.folder} is read-only, so each start compiles it anew"
        return f"compile {wanting} modules in {self.folder}, so that no start has to"

    def do(self) -> None:
        """Compile what is wanting; what is read-only stays as it is, and runs all the same."""
        if not os.access(self.folder, os.W_OK):
            return
        for path in self._wanting():
            if not compileall.compile_file(path, quiet=2):
                raise StepFailed(f"{path}: cannot be compiled: is the installation whole?")


class Remove(msgspec.Struct, frozen=True):
    """A file that goes."""

    path: Path

    def told(self) -> str:
        """Name it."""
        return f"{'remove' if self.path.exists() else 'there is no'} {self.path}"

    def do(self) -> None:
        """Remove it."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise StepFailed(f"{self.path}: cannot be removed: {error.strerror}") from None


class Command(msgspec.Struct, frozen=True):
    """A program of the machine; `needless` says when it has nothing to do."""

    argv: tuple[str, ...]
    why: str
    needless: bool = False

    def told(self) -> str:
        """Show the command line."""
        if self.needless:
            return f"nothing to do: {self.why}"
        return f"run {' '.join(self.argv)}  ({self.why})"

    def do(self) -> None:
        """Run it and believe its exit code."""
        if self.needless:
            return
        try:
            done = subprocess.run(  # noqa: S603 - told to the person before, no shell
                self.argv, capture_output=True, text=True, timeout=COMMAND_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StepFailed(f"{self.argv[0]}: cannot be run: {error}") from None
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise StepFailed(f"{' '.join(self.argv)}: ended with {done.returncode}: {last[:300]}")


def _is_kept(module: Path) -> bool:
    """Whether Python would take the byte code beside a module for that of its text.

    The header is that of PEP 552: a magic number, flags, and the text's time and size.
    """
    try:
        told = module.stat()
        head = Path(importlib.util.cache_from_source(str(module))).read_bytes()[:16]
    except OSError:
        return False
    text = (int(told.st_mtime) & 0xFFFFFFFF, told.st_size & 0xFFFFFFFF)
    return head == b"".join((
        importlib.util.MAGIC_NUMBER, bytes(4), *(word.to_bytes(4, "little") for word in text),
    ))  # fmt: skip


def _mode(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None


def _same(one: Path, other: Path) -> bool:
    try:
        return filecmp.cmp(one, other, shallow=False)
    except OSError as error:
        raise ConfigInvalid(f"{error.filename}: cannot be read: {error.strerror}") from None


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"{path}: cannot be read: {error}") from None
