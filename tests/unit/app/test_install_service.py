"""`breakwater install-service`: told before it is done, repeatable; nothing of yours is lost."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.app.cli import run_cli
from bot.app.config.credentials import FOLDER_CREDENTIAL
from bot.app.service import plan
from bot.app.service.steps import Command, KeepByteCode, StepFailed, WriteFile
from bot.app.service.unit import TEMPLATE, Machine, front_text, unit_text
from bot.domain.errors import ConfigInvalid

ROOT = Path(__file__).resolve().parents[3]
UNIT = Path("etc/systemd/system/breakwater.service")
FRONT = Path("usr/local/bin/breakwater")
EXPOSURE_MAX = 2.0
FITTED = ("Documentation", "ExecStart", "WorkingDirectory")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as `breakwater init` leaves it: configuration, strategies, three secrets."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    shutil.copytree(ROOT / "strategies", tmp_path / "strategies")
    secrets = tmp_path / "state" / "secrets"
    secrets.mkdir(parents=True, mode=0o700)
    for name in ("binance_testnet_key", "binance_testnet_secret", "page_token"):
        (secrets / name).write_text(f"the {name}\n")
    monkeypatch.setenv("BREAKWATER_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setattr(plan, "HIDDEN", ())
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, object]:
    assert run_cli(["install-service", *args, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mode & 0o777, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_nothing_is_done_unless_it_is_asked_for(home: Path, tmp_path: Path, capsys) -> None:
    before = files(tmp_path)
    for scope in ("--system", "--user"):
        seen = told(capsys, scope, "--into", str(tmp_path / "root"))
        assert seen["done"] is False
        assert any("write" in step for step in seen["steps"])
        assert run_cli(["install-service", scope, "--print"]) == 0
        assert capsys.readouterr().out.startswith("# Written by `breakwater install-service`")
    assert files(tmp_path) == before


def test_the_installed_unit_is_the_one_that_was_tested(home: Path, capsys) -> None:
    """Apart from three paths every setting is that of deploy/breakwater.service."""
    assert run_cli(["install-service", "--system", "--print"]) == 0
    printed = capsys.readouterr().out.splitlines()
    lines = TEMPLATE.read_text().partition("[Unit]")[2].splitlines()
    differ = [line for line in printed[3:] if line not in lines]
    assert {line.partition("=")[0] for line in differ} == set(FITTED)
    assert f"ExecStart={sys.executable} -m bot run" in printed
    assert f"LoadCredential={FOLDER_CREDENTIAL}:/etc/breakwater/secrets" in printed


@pytest.mark.parametrize("scope", ["system", "user"])
def test_systemd_understands_what_is_installed(
    scope: str, home: Path, tmp_path: Path, capsys
) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is absent: unit NOT verified (apt-get install systemd)")
    assert run_cli(["install-service", f"--{scope}", "--print"]) == 0
    unit = tmp_path / "breakwater.service"
    unit.write_text(capsys.readouterr().out)
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    extra = ["--user"] if scope == "user" else []
    done = subprocess.run(
        [analyze, "verify", *extra, str(unit)], capture_output=True, text=True, timeout=60,
        check=False, env={**os.environ, "XDG_RUNTIME_DIR": str(runtime)},
    )  # fmt: skip
    assert [line for line in done.stderr.splitlines() if "breakwater" in line] == []
    if scope == "system":
        found = subprocess.run(
            [analyze, "security", "--offline=true", str(unit)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", found.stdout)
        assert level, found.stderr
        assert float(level[1]) <= EXPOSURE_MAX


def test_a_system_service_is_laid_out_with_private_secrets(
    home: Path, tmp_path: Path, capsys
) -> None:
    root = tmp_path / "root"
    assert told(capsys, "--system", "--into", str(root), "--apply")["done"] is True
    made = files(root)
    secrets = {name: made[name] for name in made if "/secrets/" in name}
    assert {Path(name).name: mode for name, (mode, _) in secrets.items()} == {
        "binance_testnet_key": 0o600,
        "binance_testnet_secret": 0o600,
    }
    assert (root / "etc/breakwater/secrets").stat().st_mode & 0o777 == 0o700
    assert made["etc/breakwater/config/risk.toml"][1] == (home / "config/risk.toml").read_bytes()
    assert made[str(FRONT)][0] == 0o755
    assert f"exec runuser -u breakwater -- env BREAKWATER_CONFIG_DIR={plan.ETC}" in (
        made[str(FRONT)][1].decode()
    )


def test_a_second_time_changes_nothing_and_keeps_what_people_wrote(
    home: Path, tmp_path: Path, capsys
) -> None:
    root = tmp_path / "root"
    wish = ("--system", "--into", str(root), "--apply")
    told(capsys, *wish)
    mine = root / "etc/breakwater/config/risk.toml"
    mine.write_text(mine.read_text().replace('profile = "L20"', 'profile = "L30"'))
    (root / "etc/breakwater/config/alerts.toml").unlink()
    (root / UNIT).write_text("# an older unit\n")
    steps = "\n".join(told(capsys, *wish)["steps"])
    assert "copy to" in steps
    assert "alerts.toml" in steps
    assert "yours stays though it differs: risk.toml" in steps
    assert 'profile = "L30"' in mine.read_text()
    assert (root / UNIT).with_name("breakwater.service.old").read_text() == "# an older unit\n"
    before = files(root)
    again = told(capsys, *wish)["steps"]
    assert f"keep {root / UNIT}: it is as it should be" in again
    assert files(root) == before


def test_what_is_removed_is_the_service_and_nothing_of_yours(
    home: Path, tmp_path: Path, capsys
) -> None:
    root = tmp_path / "root"
    told(capsys, "--system", "--into", str(root), "--apply")
    before = files(root)
    assert told(capsys, "--system", "--into", str(root), "--uninstall")["done"] is False
    assert files(root) == before
    gone = told(capsys, "--system", "--into", str(root), "--uninstall", "--apply")
    assert set(before) - set(files(root)) == {str(UNIT), str(FRONT)}
    assert "/var/lib/breakwater" in gone["next"][0]


def test_live_is_never_installed_without_being_named(home: Path, capsys) -> None:
    path = home / "config/breakwater.toml"
    path.write_text(path.read_text().replace('mode = "paper"', 'mode = "live"'))
    assert run_cli(["install-service", "--print", "--enforce", "full"]) == 2
    assert "live_confirmed" in capsys.readouterr().err
    path.write_text(path.read_text().replace("live_confirmed = false", "live_confirmed = true"))
    assert run_cli(["install-service", "--print"]) == 2
    assert "--enforce" in capsys.readouterr().err
    assert run_cli(["install-service", "--print", "--enforce", "stop_only"]) == 0
    assert "-m bot run --yes-live --enforce stop_only\n" in capsys.readouterr().out


def test_a_program_that_the_service_cannot_see_is_refused(
    home: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "HIDDEN", (str(plan.PROGRAM.parent),))
    into = str(tmp_path / "root")
    assert run_cli(["install-service", "--system", "--into", into, "--apply"]) == 2
    assert "/opt/breakwater" in capsys.readouterr().err
    assert not (tmp_path / "root").exists()
    assert run_cli(["install-service", "--user", "--into", into, "--apply", "--json"]) == 0


def test_an_account_without_a_session_is_told_before_anything_is_written(
    home: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "somebody"))
    assert run_cli(["install-service", "--user", "--apply"]) == 2
    assert "no session of your account" in capsys.readouterr().err
    assert not (tmp_path / "somebody").exists()


def test_without_root_one_line_says_what_to_do(
    home: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)
    assert run_cli(["install-service", "--system", "--apply"]) == 2
    assert "use sudo, or take --user" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["with space", "50%", "quo'te", "ünï", "semi;colon"])
def test_a_path_that_systemd_would_misread_is_refused(name: str) -> None:
    with pytest.raises(ConfigInvalid, match="absolute path of letters"):
        unit_text(machine(Path("/opt") / name))


def machine(program: Path, scope: str = "user") -> Machine:
    return Machine(
        scope=scope,  # type: ignore[arg-type]
        program=program,
        python=Path(sys.executable),
        config=ROOT / "config",
        secrets=ROOT / "secrets",
    )


def test_the_front_is_the_command_line_from_anywhere(tmp_path: Path) -> None:
    front = tmp_path / "breakwater"
    front.write_text(front_text(machine(ROOT)))
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "__init__.py").write_text("raise SystemExit('not this one')\n")
    done = subprocess.run(
        ["/bin/sh", str(front), "--version"], capture_output=True, text=True, cwd=tmp_path,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.startswith("breakwater "), done.stderr
    front.write_text(front_text(machine(ROOT, "system")))
    refused = subprocess.run(
        ["/bin/sh", str(front), "init"], capture_output=True, text=True, timeout=60, check=False
    )
    assert refused.returncode == 2
    assert "secrets" in refused.stderr


def test_a_failed_step_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StepFailed, match="cannot be written"):
        WriteFile(tmp_path / "file" / "below", "text").do()
    with pytest.raises(StepFailed, match=r"ended with 3: no such unit"):
        Command(("/bin/sh", "-c", "echo no such unit >&2; exit 3"), "a trial").do()
    with pytest.raises(StepFailed, match="cannot be run"):
        Command((str(tmp_path / "absent"),), "a trial").do()


def test_the_byte_code_that_the_unit_never_writes_is_made_by_the_installation(home: Path) -> None:
    places = plan.Places(
        root=home, config=home / "config", state=home / "state", logs=home / "logs",
        strategies=home / "strategies",
    )  # fmt: skip
    assert "Environment=PYTHONDONTWRITEBYTECODE=1" in TEMPLATE.read_text()
    steps = plan.plan_install(places, plan.Wish(scope="user")).steps
    (made,) = [number for number, step in enumerate(steps) if isinstance(step, KeepByteCode)]
    assert steps[made] == KeepByteCode(ROOT / "bot")
    assert any("enable" in step.told() for step in steps[made:]), "made before it starts"


def test_python_takes_the_byte_code_that_was_made(tmp_path: Path) -> None:
    package = tmp_path / "harbour" / "inner"
    package.mkdir(parents=True)
    module = package / "wall.py"
    module.write_text("STONE = 7\n")
    step = KeepByteCode(tmp_path / "harbour")
    assert "compile 1 modules" in step.told()
    step.do()
    assert "all there" in step.told()
    was = module.stat()
    module.write_text("STONE = 8\n")
    os.utime(module, ns=(was.st_atime_ns, was.st_mtime_ns + 10**9))
    assert "compile 1 modules" in step.told(), "another text needs another code"
    os.utime(module, ns=(was.st_atime_ns, was.st_mtime_ns))
    look = "from harbour.inner.wall import STONE; print(STONE)"
    done = subprocess.run(
        [sys.executable, "-B", "-c", look], cwd=tmp_path, capture_output=True, text=True,
        timeout=60, check=True, env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.stdout == "7\n", "the text was not compiled again"


def test_a_broken_module_ends_the_installation_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "half.py").write_text("def broken(:\n")
    with pytest.raises(StepFailed, match=r"half\.py: cannot be compiled"):
        KeepByteCode(tmp_path).do()


def test_a_program_that_is_read_only_is_installed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wall.py").write_text("STONE = 7\n")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    step = KeepByteCode(tmp_path)
    assert "read-only" in step.told()
    step.do()
    assert not (tmp_path / "__pycache__").exists()
