"""The log's file: whole lines, in order, whatever happens to the disk and the folder under it."""

import gzip
import json
import os
import shutil
from pathlib import Path

import pytest
from loguru import logger

from bot.app.scrub import Scrubber
from bot.app.telling import log_file
from bot.app.telling.log_file import LogFile
from bot.app.telling.logs import drain_logs, wire_logs

SECRET = "s3cr3t/Value+with=signs&more"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "breakwater.jsonl"


class Disk:
    """os.write of a disk on which so many bytes are left."""

    def __init__(self, left: int) -> None:
        self.left = left
        self._write = os.write

    def write(self, handle: int, data: bytes) -> int:
        if self.left <= 0:
            raise OSError(28, "No space left on device")
        done = self._write(handle, data[: self.left])
        self.left -= done
        return done


def test_lines_are_there_at_once_and_private(path: Path) -> None:
    log = LogFile(path, rotate_bytes=1_000, kept=2)
    log.write("one\n")
    assert path.read_text() == "one\n"
    assert path.stat().st_mode & 0o777 == 0o600
    log.stop()
    log.stop()
    LogFile(path, rotate_bytes=1_000, kept=2).write("two\n")
    assert path.read_text() == "one\ntwo\n", "a new life writes on"


def test_a_full_disk_is_told_once_and_lines_stay_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log, disk = LogFile(path, rotate_bytes=10_000, kept=2), Disk(left=7)
    log.write("one\n")
    monkeypatch.setattr(log_file.os, "write", disk.write)
    for line in ("twoooo\n", "three\n", "four\n"):
        log.write(line)
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "takes no more lines (No space left on device)" in told
    disk.left = 1_000
    log.write("five\n")
    log.write("six\n")
    assert "2 lines are missing" in capsys.readouterr().err
    assert path.read_text() == "one\ntwoooo\nfive\nsix\n"


def test_a_line_that_was_cut_short_ends_before_the_next_one(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log, disk = LogFile(path, rotate_bytes=10_000, kept=2), Disk(left=3)
    monkeypatch.setattr(log_file.os, "write", disk.write)
    log.write("abcdef\n")
    disk.left = 1_000
    log.write("next\n")
    assert path.read_text() == "abc\nnext\n"
    assert "1 lines are missing" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_was_removed_is_made_again(path: Path, what: str) -> None:
    log = LogFile(path, rotate_bytes=1_000, kept=2)
    log.write("one\n")
    if what == "file":
        path.unlink()
    else:
        shutil.rmtree(path.parent)
    log.write("two\n")
    assert path.read_text() == "two\n"


def test_a_folder_that_cannot_be_made_again_yet_loses_lines_and_no_more(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = LogFile(path, rotate_bytes=1_000, kept=2)
    shutil.rmtree(path.parent)
    path.parent.write_text("taken")
    log.write("one\n")
    log.write("two\n")
    assert capsys.readouterr().err.count("takes no more lines") == 1
    path.parent.unlink()
    log.write("three\n")
    assert path.read_text() == "three\n"


def test_it_is_rotated_packed_and_kept_to_a_number(path: Path) -> None:
    log = LogFile(path, rotate_bytes=20, kept=3)
    written = [f"line {number:04d}\n" for number in range(16)]
    for line in written:
        log.write(line)
    packed = sorted(path.parent.glob("*.gz"))
    assert len(packed) == 3
    kept = [gzip.decompress(each.read_bytes()).decode() for each in packed]
    assert "".join([*kept, path.read_text()]).splitlines(keepends=True) == written[-8:]
    assert not [each for each in path.parent.iterdir() if each.name.endswith("jsonl.part")]


def test_what_cannot_be_packed_stays_as_it_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(log_file.gzip, "open", full)
    log = LogFile(path, rotate_bytes=20, kept=3)
    for number in range(3):
        log.write(f"line {number:04d} is long\n")
    assert len(sorted(path.parent.glob("breakwater.*.jsonl"))) == 2
    assert path.read_text() == "line 0002 is long\n"


def test_a_disk_without_room_prints_no_record_that_was_not_scrubbed(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scrubber = Scrubber()
    scrubber.learn(SECRET)
    wire_logs(path.parent, "DEBUG", scrubber, run_id="abcd1234")
    disk = Disk(left=0)
    monkeypatch.setattr(log_file.os, "write", disk.write)
    try:
        raise RuntimeError(f"refused: {SECRET}")
    except RuntimeError:
        logger.bind(nested={"deep": SECRET}).exception("call failed")
    logger.complete()
    disk.left = 10_000
    logger.info("it goes on")
    drain_logs()
    told = capsys.readouterr().err
    assert SECRET not in told
    assert "Traceback" not in told
    assert told.count("takes no more lines") == 1
    assert [json.loads(line)["message"] for line in path.read_text().splitlines()] == ["it goes on"]
    logger.remove()
