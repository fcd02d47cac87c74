"""Fits deploy/breakwater.service to one machine: whose it is, where it lies, how it runs."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from bot.domain.errors import ConfigInvalid

Scope = Literal["system", "user"]
NAME = "breakwater.service"
TEMPLATE = Path(__file__).resolve().parents[3] / "deploy" / NAME
SAFE_PATH = re.compile(r"/[A-Za-z0-9/._+@-]*")
"""systemd expands % and splits at spaces; a path with them is refused instead of quoted."""
STATE, LOGS = Path("/var/lib/breakwater"), Path("/var/log/breakwater")
"""What StateDirectory= and LogsDirectory= of the unit make."""
NEEDS_MANAGER_OF_SYSTEM = frozenset({
    # what a manager without privileges cannot give: other users, namespaces, devices
    "User", "Group", "LoadCredential", "StateDirectory", "StateDirectoryMode", "LogsDirectory",
    "LogsDirectoryMode", "CapabilityBoundingSet", "AmbientCapabilities", "ProtectSystem",
    "ProtectHome", "PrivateTmp", "PrivateDevices", "PrivateUsers", "PrivateIPC",
    "ProtectHostname", "ProtectClock", "ProtectKernelTunables", "ProtectKernelModules",
    "ProtectKernelLogs", "ProtectControlGroups", "ProtectProc", "ProcSubset", "RemoveIPC",
    "DevicePolicy", "KeyringMode", "Wants", "After",
})  # fmt: skip


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What the unit must know of this machine; every path is absolute."""

    scope: Scope
    program: Path
    """The folder that holds bot/, run and docs/."""
    python: Path
    config: Path
    secrets: Path
    account: str = "breakwater"
    """The user of a system service."""
    options: Sequence[str] = ()
    """Of `breakwater run`, such as --yes-live."""


def unit_text(machine: Machine) -> str:
    """Return the unit for `machine`; its first line says who wrote it.

    Raises:
        ConfigInvalid: a path holds what systemd would read as something else.
    """
    for path in (machine.program, machine.python, machine.config, machine.secrets):
        if SAFE_PATH.fullmatch(str(path)) is None:
            raise ConfigInvalid(
                f"{path}: a service needs an absolute path of letters, digits and / . _ + @ -"
            )
    body = TEMPLATE.read_text("utf-8")
    lines = body[body.index("[Unit]") :].splitlines()
    head = ["# Written by `breakwater install-service`; run it again after an upgrade.", ""]
    kept = [_fitted(line, machine) for line in lines]
    return "\n".join(head + [line for line in kept if line is not None]) + "\n"


def _fitted(line: str, machine: Machine) -> str | None:
    """Return one line as this machine needs it; None drops it."""
    key, given, value = line.partition("=")
    if not given or line.startswith("#"):
        return line
    told = _values(machine).get(f"{key}={value.partition('=')[0]}", _values(machine).get(key))
    if machine.scope == "user":
        if key in NEEDS_MANAGER_OF_SYSTEM or value.startswith("BREAKWATER_BREAKWATER__LOG_DIR"):
            return None
        if key == "WantedBy":
            return "WantedBy=default.target"
    return line if told is None else f"{key}={told}"


def _values(machine: Machine) -> dict[str, str]:
    run = " ".join([str(machine.python), "-m", "bot", "run", *machine.options])
    return {
        "Documentation": f"file://{machine.program}/docs/runbook.md",
        "ExecStart": run,
        "WorkingDirectory": str(machine.program),
        "User": machine.account,
        "Group": machine.account,
        "Environment=BREAKWATER_CONFIG_DIR": f"BREAKWATER_CONFIG_DIR={machine.config}",
        "LoadCredential": f"secrets:{machine.secrets}",
    }


def front_text(machine: Machine) -> str:
    """Return the program `breakwater`, by which a shell asks and orders this service."""
    where = f"BREAKWATER_CONFIG_DIR={machine.config} PYTHONPATH={machine.program}"
    lines = ["#!/bin/sh", "# Written by `breakwater install-service`: asks the service."]
    if machine.scope == "user":
        return "\n".join([*lines, f'exec env {where} {machine.python} -P -m bot "$@"']) + "\n"
    where += f" STATE_DIRECTORY={STATE} BREAKWATER_BREAKWATER__LOG_DIR={LOGS}"
    call = f'env {where} {machine.python} -P -m bot "$@"'
    keys = f"edit {machine.config}, and put keys into {machine.secrets}"
    lines += [
        f'[ "${{1:-}}" != init ] || {{ echo "breakwater: {keys}" >&2; exit 2; }}',
        f'[ "$(id -un)" != {machine.account} ] || exec {call}',
        f'[ "$(id -u)" != 0 ] || exec runuser -u {machine.account} -- {call}',
        f'echo "breakwater: the service belongs to {machine.account}: use sudo" >&2',
        "exit 3",
    ]
    return "\n".join(lines) + "\n"
