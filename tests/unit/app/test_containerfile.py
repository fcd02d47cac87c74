"""The container: hardened as it says, complete, and its program runs from what is copied alone.

No container engine is asked for: the file is parsed here, what it copies is laid out in a folder,
and its entry point runs there with its environment.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.daemon import until

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "deploy" / "Containerfile"
IGNORED = ROOT / ".containerignore"
INSIDE = "/opt/breakwater"
SECRET = re.compile(r"secret|token|passw|api_?key", re.IGNORECASE)


def instructions(text: str) -> list[tuple[str, str]]:
    """Word and rest of each instruction, comments left out, continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found = [line.partition(" ") for line in joined.splitlines() if line.strip()]
    return [(word, rest.strip()) for word, _, rest in found]


TOLD = instructions(FILE.read_text())
LAST = TOLD[max(n for n, (word, _) in enumerate(TOLD) if word == "FROM") :]
"""The stage that is shipped."""


def of(word: str, stage: list[tuple[str, str]] = LAST) -> list[str]:
    return [rest for name, rest in stage if name == word]


def environment() -> dict[str, str]:
    pairs = [pair for rest in of("ENV") for pair in shlex.split(rest)]
    return dict(pair.split("=", 1) for pair in pairs)


def copied() -> list[tuple[str, str]]:
    rows = [shlex.split(rest) for rest in of("COPY")]
    return [(row[0], row[1]) for row in rows if not row[0].startswith("--")]


def test_only_words_that_are_known_and_no_file_from_the_net() -> None:
    known = {
        "FROM", "COPY", "RUN", "WORKDIR", "ENV", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL",
        "HEALTHCHECK", "ENTRYPOINT", "CMD",
    }  # fmt: skip
    assert {word for word, _ in TOLD} <= known
    assert not re.search(r"curl|wget|https?://(?!127\.0\.0\.1)", "\n".join(r for _, r in TOLD))


def test_it_runs_as_a_user_of_its_own_and_root_comes_not_back() -> None:
    users = [n for n, (word, _) in enumerate(LAST) if word == "USER"]
    assert len(users) == 1
    user, _, group = LAST[users[0]][1].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert not {word for word, _ in LAST[users[0] :]} & {"RUN", "COPY"}


def test_packages_are_those_of_the_lock_and_the_builder_stays_behind() -> None:
    installs = [rest for rest in of("RUN", TOLD) if "pip install" in rest]
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert "--only-binary :all:" in installs[0]
    assert not [rest for rest in of("RUN") if "pip" in rest]
    bases = {rest.split()[0] for rest in of("FROM", TOLD)}
    assert len(bases) == 1
    assert ":" in bases.pop().rpartition("/")[2]


def test_no_secret_is_built_in() -> None:
    assert not [name for name in environment() if SECRET.search(name)]
    assert not [source for source, _ in copied() if SECRET.search(source) or source == "."]
    first, *rest = [line for line in IGNORED.read_text().splitlines() if line[:1] not in ("#", "")]
    assert first == "*"
    let_in = {line[1:] for line in rest if line.startswith("!")}
    assert let_in == {source.split("/")[0] for source, _ in copied()} | {"requirements.lock"}


def test_everything_copied_is_there() -> None:
    for source, target in copied():
        assert (ROOT / source).exists(), source
        assert target == f"{INSIDE}/{source}"


def test_it_stops_as_the_program_does_and_what_is_written_is_on_the_volume() -> None:
    assert of("STOPSIGNAL") == ["SIGTERM"]
    (volume,) = of("VOLUME")
    settings = environment()
    assert settings["STATE_DIRECTORY"] == volume
    assert settings["BREAKWATER_BREAKWATER__LOG_DIR"].startswith(f"{volume}/")
    assert volume in "".join(rest for rest in of("RUN") if "install --directory" in rest)


@pytest.fixture
def inside() -> Iterator[Path]:
    """What the image holds, laid out in a folder (of a short name: a socket lies in it)."""
    leave = [line for line in IGNORED.read_text().splitlines() if "**/" in line]
    ignored = shutil.ignore_patterns(*(line.removeprefix("**/") for line in leave))
    with tempfile.TemporaryDirectory(prefix="bw-") as name:
        for source, target in copied():
            place = Path(name) / target.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, place, ignore=ignored)
            else:
                shutil.copy(ROOT / source, place)
        (Path(name) / of("VOLUME")[0].lstrip("/")).mkdir(parents=True, mode=0o700)
        (made,) = [json.loads(rest) for rest in of("RUN") if "compileall" in rest]
        folder = Path(name) / of("WORKDIR")[0][1:]
        subprocess.run([sys.executable, *made[1:]], cwd=folder, timeout=120, check=True)
        yield Path(name)


def started(inside: Path, *args: str) -> tuple[list[str], dict[str, str], Path]:
    """The entry point with `args`, its environment and its folder."""
    command = json.loads(of("ENTRYPOINT")[0])
    assert command[0] == "python"
    moved = {
        name: str(inside / value.lstrip("/")) if value.startswith("/") else value
        for name, value in environment().items()
        if name != "PATH"
    }
    moved["BREAKWATER_DASHBOARD__ENABLED"] = "false"  # another's port may be taken on this machine
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return [sys.executable, *command[1:], *args], {**kept, **moved}, inside / of("WORKDIR")[0][1:]


def test_what_is_copied_is_enough_to_check_and_to_trade(inside: Path) -> None:
    command, env, folder = started(inside, "config", "check", "--json")
    done = subprocess.run(
        command, env=env, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    command, env, folder = started(inside, *json.loads(of("CMD")[0]))
    before = sorted(path for path in folder.rglob("*") if path.is_file())
    kept = {path.name.partition(".")[0] for path in before if path.suffix == ".pyc"}
    assert kept == {path.stem for path in (folder / "bot").rglob("*.py")}, "no start compiles"
    bot = subprocess.Popen(command, env=env, cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        status, _, _ = started(inside, "status", "--json")
        socket = Path(env["STATE_DIRECTORY"]) / "control.sock"
        until(lambda: socket.exists() or bot.poll() is not None, "it answers")
        answer = subprocess.run(
            status, env=env, cwd=folder, capture_output=True, text=True, timeout=60, check=False
        )
        assert json.loads(answer.stdout)["mode"] in ("REDUCING", "ACTIVE"), answer.stderr
    finally:
        bot.terminate()
        _, told = bot.communicate(timeout=60)
    assert "Traceback" not in told
    assert bot.returncode == 0, told[-2000:]
    assert sorted(path for path in folder.rglob("*") if path.is_file()) == before
    state = Path(env["STATE_DIRECTORY"])
    assert (state / "journal.db").exists()
    assert (state / "account").read_text() == "paper-binance\n"
    assert (state / "logs" / "breakwater.jsonl").exists()
