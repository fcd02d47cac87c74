"""Writes what a first user answered: keys of the configuration, comments kept, and secrets 0600."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
import tomlkit
from tomlkit.exceptions import TOMLKitError

from bot.app.config.credentials import SECRET_BYTES_MAX
from bot.app.config.settings import load_settings
from bot.domain.errors import ConfigInvalid

Mode = Literal["paper", "testnet", "live"]


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """The answers; None leaves a key as it stands."""

    mode: Mode | None = None
    profile: str | None = None
    """L20, L25, L30, or a share such as 0.15."""
    symbols: tuple[str, ...] = ()
    telegram_user_id: int | None = None
    secrets: Mapping[str, str] = {}
    """By name; the values go into files of their own."""


def write_choice(chosen: Chosen, config: Path, state: Path) -> list[str]:
    """Change config and secrets; return a line for each thing that was written.

    Everything is tried on a copy first: a bad answer changes nothing.

    Raises:
        ConfigInvalid: an answer is not allowed, or a file cannot be written.
    """
    edits = _edits(chosen)
    _try_on_copy(edits, config)
    told = [_edit_file(config / name, changes) for name, changes in edits.items() if changes]
    told += [_write_secret(state, name, value) for name, value in chosen.secrets.items()]
    return told


def _edits(chosen: Chosen) -> dict[str, dict[tuple[str, ...], object]]:
    """Return file -> path of a key -> value; the value None removes a key."""
    risk: dict[tuple[str, ...], object] = {}
    if chosen.profile is not None:
        share = _share(chosen.profile)
        risk["risk", "profile"] = chosen.profile if share is None else None
        risk["risk", "loss_budget_frac"] = share
    if chosen.symbols:
        risk["risk", "symbols"] = list(chosen.symbols)
    files: dict[str, dict[tuple[str, ...], object]] = {"risk.toml": risk}
    if chosen.mode is not None:
        files["breakwater.toml"] = {("breakwater", "mode"): chosen.mode}
    if chosen.telegram_user_id is not None:
        files["telegram.toml"] = {("telegram", "user_id"): chosen.telegram_user_id}
    return files


def _share(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _try_on_copy(edits: dict[str, dict[tuple[str, ...], object]], config: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="breakwater-") as folder:
        copy = Path(folder) / "config"
        shutil.copytree(config, copy)
        for name, changes in edits.items():
            _edit_file(copy / name, changes)
        try:
            load_settings(copy)
        except ConfigInvalid as error:
            raise ConfigInvalid(str(error).replace(str(copy), str(config))) from None


def _edit_file(path: Path, changes: Mapping[tuple[str, ...], object]) -> str:
    try:
        document = tomlkit.parse(path.read_text("utf-8"))
        for keys, value in changes.items():
            table = document
            for key in keys[:-1]:
                table = table.setdefault(key, tomlkit.table())
            if value is None:
                table.pop(keys[-1], None)
            else:
                table[keys[-1]] = value
        _replace(path, tomlkit.dumps(document).encode(), path.stat().st_mode & 0o777)
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise ConfigInvalid(f"{path}: cannot be changed: {error}") from None
    kept = {".".join(keys): value for keys, value in changes.items() if value is not None}
    return f"{path}: " + ", ".join(f"{key} = {value!r}" for key, value in kept.items())


def _write_secret(state: Path, name: str, value: str) -> str:
    data = value.strip().encode()
    if not 0 < len(data) <= SECRET_BYTES_MAX:
        raise ConfigInvalid(f"secret {name}: has 1 to {SECRET_BYTES_MAX} bytes, was {len(data)}")
    path = state / "secrets" / name
    try:
        state.mkdir(mode=0o700, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        _replace(path, data + b"\n", 0o600)
    except OSError as error:
        raise ConfigInvalid(f"{path}: cannot be written: {error.strerror}") from None
    return f"{path}: written, mode 0600"


def _replace(path: Path, data: bytes, mode: int) -> None:
    """Write beside the file, sync, and put it in place: never half a file."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        os.fchmod(handle, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
