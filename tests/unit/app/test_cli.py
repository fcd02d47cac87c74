"""The command line: one line for each fault, three exit codes, JSON when piped."""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bot.app.cli import run_cli
from bot.app.cli.output import print_json
from tests.fakes.market_folder import flat_folder

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def cli(config, monkeypatch, capsys):
    """Run a command on the private configuration; return (code, stdout, stderr)."""
    monkeypatch.setenv("BREAKWATER_CONFIG_DIR", str(config))

    def run(*args: str) -> tuple[int, str, str]:
        code = run_cli(args)
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


class FakeDaemon:
    """Answers on a control socket with what a test put in."""

    def __init__(self, path: Path, answer: bytes) -> None:
        self.path, self.requests, self._answer = path, [], answer
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(4)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                line = client.makefile("rb").readline()
                if line:
                    self.requests.append(json.loads(line))
                    client.sendall(self._answer)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=5)


@pytest.fixture
def daemon(config):
    made = []

    def answer(text: bytes | dict) -> FakeDaemon:
        state = config.parent / "state"
        state.mkdir(exist_ok=True)
        raw = text if isinstance(text, bytes) else json.dumps(text).encode() + b"\n"
        made.append(FakeDaemon(state / "control.sock", raw))
        return made[-1]

    yield answer
    for fake in made:
        fake.close()


def test_config_check_is_valid_as_shipped(cli):
    code, out, err = cli("config", "check", "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["valid"] is True
    assert document["strategies"] == ["level_bounce"]


def test_config_show_and_schema_are_one_document_each(cli):
    code, out, _ = cli("config", "show")
    assert code == 0
    assert json.loads(out)["risk"]["profile"] == "L20"
    code, out, _ = cli("config", "schema")
    assert code == 0
    assert "properties" in json.loads(out)


def test_a_bad_configuration_is_exit_2_and_one_line_a_fault(cli, edit):
    edit("risk.toml", "risk_frac = 0.005", "risk_frac = 7")
    edit("levels.toml", "band_bps = 5.0", "band_bpz = 5.0")
    for command in (
        ["config", "check"],
        ["status"],
        ["run"],
        ["replay", "--data", "x"],
        ["doctor"],
    ):
        code, out, err = cli(*command)
        assert code == 2, command
        assert out == ""
        assert len(err.splitlines()) == 2
        assert "Traceback" not in err


QUESTIONS = ["status", "positions", "risk", "orders", "trades", "levels", "why", "watch"]
ORDERS = [["pause"], ["resume"], ["reduce", "0.5"], ["flatten"], ["rearm"]]


@pytest.mark.parametrize("command", [[name] for name in QUESTIONS] + ORDERS, ids=str)
def test_without_a_daemon_a_line_tells_how_to_start_one(cli, command):
    code, out, err = cli(*command)
    assert code == 3
    assert out == ""
    assert "start one with ./run" in err
    assert len(err.splitlines()) == 1


def test_an_order_is_carried_to_the_daemon_and_its_answer_back(cli, daemon):
    fake = daemon({"ok": True, "text": "reducing BTC", "command_id": "k1"})
    code, out, _ = cli("reduce", "0.25", "--symbol", "BTC/USDT:USDT")
    assert code == 0
    assert json.loads(out) == {
        "command": "reduce", "accepted": True, "text": "reducing BTC", "command_id": "k1",
    }  # fmt: skip
    assert fake.requests == [
        {"name": "reduce", "args": {"fraction": "0.25", "symbol": "BTC/USDT:USDT"}}
    ]


def test_a_refused_order_is_exit_3(cli, daemon):
    daemon({"ok": False, "text": "latched: use rearm", "command_id": "k1"})
    code, out, _ = cli("resume")
    assert code == 3
    assert json.loads(out)["accepted"] is False


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "not JSON"),
        (b"hello\n", "not JSON"),
        (b"[1]\n", "no object"),
        (b'{"ok": true}\n', "no answer to status"),
        (b'{"ok": false, "error": "limit: was 0"}\n', "limit: was 0"),
    ],
)
def test_nonsense_on_the_socket_is_one_line(cli, daemon, raw, words):
    daemon(raw)
    code, out, err = cli("status")
    assert code == 3
    assert out == ""
    assert words in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "command",
    [
        ["nonsense"],
        ["reduce"],
        ["reduce", "2"],
        ["reduce", "nan"],
        ["run", "--mode", "real"],
        ["replay"],
        ["replay", "--data", "x", "--leverage", "0"],
        ["orders", "--limit", "0"],
        ["config"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_2(cli, command):
    code, out, err = cli(*command)
    assert code == 2
    assert "Traceback" not in err + out


def test_replay_names_a_missing_folder_and_a_bad_start(cli, tmp_path):
    code, _, err = cli("replay", "--data", str(tmp_path / "nowhere"))
    assert (code, err.count("\n")) == (2, 1)
    assert "no such folder" in err
    code, _, err = cli("replay", "--data", str(tmp_path), "--start", "soon")
    assert code == 2
    assert "--start" in err


def test_replay_of_an_empty_folder_is_one_line(cli, tmp_path):
    (tmp_path / "data").mkdir()
    code, _, err = cli("replay", "--data", str(tmp_path / "data"))
    assert code == 2
    assert err.count("\n") == 1


def test_doctor_at_rest_looks_and_is_healthy(cli):
    code, out, _ = cli("doctor")
    assert code == 0
    names = {check["name"] for check in json.loads(out)["checks"]}
    assert {"configuration", "disk", "strategies", "database", "state directory"} <= names


def test_doctor_is_unwell_when_others_may_read_the_state(cli, config):
    state = config.parent / "state"
    state.mkdir()
    state.chmod(0o755)
    code, out, _ = cli("doctor")
    assert code == 3
    assert json.loads(out)["wrong"] == ["state directory"]


def test_doctor_names_the_missing_key_of_a_testnet_bot(cli, monkeypatch):
    monkeypatch.setenv("BREAKWATER_BREAKWATER__MODE", "testnet")
    code, out, _ = cli("doctor")
    assert code == 3
    found = {c["name"]: c["found"] for c in json.loads(out)["checks"]}
    assert "binance_testnet_key: not found" in found["venue"]


def test_db_care_without_a_journal_says_so(cli):
    for name in ("check", "backup", "upgrade"):
        code, _, err = cli("db", name)
        assert code == 3
        assert "there is no journal" in err


def test_json_has_no_nan():
    with pytest.MonkeyPatch.context() as patch:
        written = []
        patch.setattr(sys.stdout, "write", written.append)
        print_json({"a": float("nan"), "b": float("inf")})
    assert json.loads("".join(written)) == {"a": None, "b": None}


def test_a_fault_of_ours_is_one_line_and_a_file(cli, config, monkeypatch):
    def broken() -> None:
        raise RuntimeError("surprise")

    (config.parent / "logs").mkdir()
    monkeypatch.setattr("bot.app.cli.commands.config.open_home", broken)
    code, _, err = cli("config", "show")
    assert code == 3
    assert "surprise" in err
    assert len(err.splitlines()) == 1
    assert "RuntimeError: surprise" in (config.parent / "logs" / "breakwater-fault.txt").read_text()


@pytest.mark.parametrize(
    ("command", "absent"),
    [
        (["status"], ["ccxt", "sqlmodel", "sqlalchemy", "bot.simulator", "bot.runtime", "numpy"]),
        (["replay", "--data", "nowhere"], ["ccxt", "sqlmodel", "sqlalchemy", "bot.venue.open"]),
        (["config", "check"], ["ccxt", "sqlmodel", "sqlalchemy"]),
    ],
    ids=["status", "replay", "config check"],
)
def test_a_command_loads_only_what_it_needs(config, command, absent):
    script = (
        "import sys; from bot.app.cli import run_cli; run_cli(sys.argv[1:]); "
        "print('\\n'.join(sorted(sys.modules)))"
    )
    environment = {**os.environ, "BREAKWATER_CONFIG_DIR": str(config), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script, *command],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    loaded = set(done.stdout.split())
    assert "bot.app.cli" in loaded, done.stderr
    assert not loaded & set(absent)


def test_the_module_is_a_command_with_an_exit_code(config):
    environment = {**os.environ, "BREAKWATER_CONFIG_DIR": str(config), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "bot", "status"],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert done.stdout == ""
    assert "./run" in done.stderr


def test_the_fuzz_reports_every_venue_and_exits_by_what_it_found(cli, monkeypatch) -> None:
    code, out, _ = cli("fuzz", "--cases", "150", "--seed", "5", "--json")
    report = json.loads(out)
    assert code == 0
    assert set(report) == {"binance", "bybit", "okx", "hyperliquid"}
    assert all(found["cases"] == 150 and found["crashes"] == 0 for found in report.values())

    def misread(_told: object, _raw: bytes) -> str:
        return "price 0.0 is not in the frame"

    monkeypatch.setattr("bot.venue.proof.fuzz.fault_of", misread)
    code, out, _ = cli("fuzz", "--cases", "150", "--json")
    assert code == 3
    assert json.loads(out)["okx"]["unfounded"] > 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["replay", "--hold", "long", "--report", "/proc/nope/x.html"], "--report /proc/nope/x"),
        (["replay", "--hold", "long", "--resume", "/proc/nope/x"], "--resume /proc/nope/x: No"),
        (["replay", "--sense", "/proc"], "--sense /proc: is a folder"),
        (["report", "--out", "/proc/nope/x"], "--out /proc/nope/x: No such file"),
        (["record", "--into", "/proc/nope"], "/proc/nope: cannot be written"),
        (["sweep", "--param", "foo=1,2"], "foo: no such number; known: break_even_r"),
        (["sweep", "--strategy", "nosuch", "--param", "a=1"], "--strategy nosuch: there is no"),
        (["replay", "--leverage", "3x"], "breakwater replay: the value of '--leverage' must be"),
        (["replay", "--hold", "up"], "'up' is not one of 'long', 'short'; see breakwater replay"),
        (["nosuch"], "breakwater: No such command 'nosuch'; see breakwater --help"),
    ],
)
def test_wrong_words_are_one_line_before_any_work(words, told, capsys):
    data = ["--data", str(flat_folder())] if words[0] in ("replay", "report", "sweep") else []
    assert run_cli([*words, *data]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [told in line for line in lines if not line.startswith("record: ")] == [True]
