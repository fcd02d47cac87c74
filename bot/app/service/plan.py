"""Which steps install, renew or remove the service on this machine."""

import grp
import os
import pwd
import shutil
import sys
from pathlib import Path

import msgspec

from bot.app.config.places import Places
from bot.app.service.steps import (
    Command,
    CopyMissing,
    KeepByteCode,
    MakeFolder,
    Remove,
    Step,
    WriteFile,
)
from bot.app.service.unit import LOGS, NAME, STATE, Machine, Scope, front_text, unit_text
from bot.app.wiring.page import TOKEN

PROGRAM = Path(__file__).resolve().parents[3]
ETC = Path("/etc/breakwater")
HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 - named, not used
"""What ProtectHome= and PrivateTmp= of the unit hide from the service."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is installed where."""

    scope: Scope
    options: tuple[str, ...] = ()
    into: Path | None = None
    """Everything is written below this folder, and no command is run: for packages and trials."""


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """What would be done, and what a person should know before."""

    unit_path: Path
    unit: str
    steps: tuple[Step, ...]
    faults: tuple[str, ...]
    """Why the service could not run if it was installed now."""
    following: tuple[str, ...]


def machine_of(places: Places, wish: Wish) -> Machine:
    """Return what the unit must know; a system service has its configuration in /etc."""
    system = wish.scope == "system"
    return Machine(
        scope=wish.scope,
        program=PROGRAM,
        python=Path(sys.executable),
        config=ETC / "config" if system else places.config,
        secrets=ETC / "secrets" if system else places.state / "secrets",
        options=wish.options,
    )


def plan_install(places: Places, wish: Wish) -> Planned:
    """Return the steps that install the service, or renew it: what people wrote is kept.

    Raises:
        ConfigInvalid: a path cannot stand in a unit.
    """
    machine = machine_of(places, wish)
    unit, unit_path, front = unit_text(machine), _unit_path(wish), _front_path(wish)
    write: list[Step] = [
        WriteFile(unit_path, unit),
        WriteFile(front, front_text(machine), 0o755),
    ]
    before = _system_files(places, wish) if wish.scope == "system" else []
    commands = [] if wish.into is not None else _start(wish)
    account = _account(machine.account) if wish.scope == "system" and wish.into is None else []
    return Planned(
        unit_path=unit_path,
        unit=unit,
        steps=(*account, *before, *write, *commands),
        faults=tuple(_faults(machine, wish)),
        following=_following(wish),
    )


def plan_removal(places: Places, wish: Wish) -> Planned:
    """Return the steps that end the service and take its unit away; nothing of yours goes."""
    machine = machine_of(places, wish)
    unit_path, front = _unit_path(wish), _front_path(wish)
    control = _control(wish)
    run = wish.into is None
    end = Command((*control, "disable", "--now", NAME), "stops stay at the venue; nobody watches")
    again = Command((*control, "daemon-reload"), "systemd forgets the unit")
    steps: list[Step] = [end] if run and unit_path.exists() else []
    steps += [Remove(unit_path), Remove(front)]
    steps += [again] if run else []
    kept = [ETC, STATE, LOGS] if wish.scope == "system" else [machine.config, places.state]
    words = "kept, remove them yourself when no position is open: "
    return Planned(
        unit_path=unit_path,
        unit="",
        steps=tuple(steps),
        faults=(),
        following=(words + ", ".join(map(str, kept)),),
    )


def _unit_path(wish: Wish) -> Path:
    if wish.scope == "system":
        return _below(wish, Path("/etc/systemd/system") / NAME)
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return _below(wish, home / "systemd" / "user" / NAME)


def _front_path(wish: Wish) -> Path:
    if wish.scope == "system":
        return _below(wish, Path("/usr/local/bin/breakwater"))
    return _below(wish, Path.home() / ".local" / "bin" / "breakwater")


def _below(wish: Wish, path: Path) -> Path:
    return path if wish.into is None else wish.into.resolve() / path.relative_to("/")


def _control(wish: Wish) -> tuple[str, ...]:
    return ("systemctl",) if wish.scope == "system" else ("systemctl", "--user")


def _account(name: str) -> list[Step]:
    make = ("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/")
    try:
        pwd.getpwnam(name)
        grp.getgrnam(name)
        there = True
    except KeyError:
        there = False
    why = f"user {name} is there" if there else "a user of its own, who owns its state alone"
    return [Command((*make, "--shell", "/usr/sbin/nologin", name), why, there)]


def _system_files(places: Places, wish: Wish) -> list[Step]:
    config, strategies = _below(wish, ETC / "config"), _below(wish, ETC / "strategies")
    secrets = _below(wish, ETC / "secrets")
    return [
        MakeFolder(config, 0o755),
        CopyMissing(places.config, config),
        MakeFolder(strategies, 0o755),
        CopyMissing(places.strategies, strategies),
        MakeFolder(secrets, 0o700),
        # the page makes its own token in the service's state
        CopyMissing(places.state / "secrets", secrets, 0o600, (TOKEN,)),
    ]


def _start(wish: Wish) -> list[Step]:
    """Return what makes it run; the unit writes no byte code, so that it is made here."""
    control = _control(wish)
    analyze = shutil.which("systemd-analyze")
    scope = () if wish.scope == "system" else ("--user",)
    check = Command(
        (analyze or "systemd-analyze", "verify", *scope, str(_unit_path(wish))),
        "systemd reads the unit" if analyze else "systemd-analyze is absent",
        analyze is None,
    )
    return [
        KeepByteCode(PROGRAM / "bot"),
        check,
        Command((*control, "daemon-reload"), "systemd takes the unit in"),
        Command((*control, "enable", "--now", NAME), "it starts now and at every boot"),
    ]


def _faults(machine: Machine, wish: Wish) -> list[str]:
    if machine.scope == "user":
        if wish.into is not None or os.environ.get("XDG_RUNTIME_DIR"):
            return []
        return [
            "systemd has no session of your account here (XDG_RUNTIME_DIR is empty, as after su "
            "or sudo -u): log in by itself, or take --system"
        ]
    hidden = tuple(f"{folder}/" for folder in HIDDEN)
    return [
        f"{path}: the service cannot see it there: put the program into /opt/breakwater "
        "with a Python of the system, or take --user"
        for path in (machine.program, machine.python.resolve())
        if str(path).startswith(hidden)
    ]


def _following(wish: Wish) -> tuple[str, ...]:
    control = " ".join(_control(wish))
    ask = "sudo breakwater" if wish.scope == "system" else "breakwater"
    told = [
        f"{ask} status; {ask} doctor (a shell with completion: {ask} --show-completion)",
        f"a bot that was running goes on with its old program until: {control} restart {NAME}",
    ]
    if wish.scope == "user":
        told.append(f"loginctl enable-linger {pwd.getpwuid(os.getuid()).pw_name}  (it stays "
                    "when you log out, and starts at boot)")  # fmt: skip
    return tuple(told)
