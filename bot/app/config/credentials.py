"""Finds secrets by name: systemd credentials, then 0600 files, then the environment."""

import os
import stat
from pathlib import Path

from bot.app.scrub import OWN
from bot.domain.errors import ConfigInvalid

ENV_PREFIX = "BREAKWATER_SECRET_"
SECRET_BYTES_MAX = 16_384
FOLDER_CREDENTIAL = "secrets"
"""LoadCredential=secrets:/etc/breakwater/secrets, as deploy/breakwater.service has it."""


def read_secret(name: str, state_dir: Path) -> str | None:
    """Return the secret called `name`, or None when nobody gave one; no text will tell it again.

    Raises:
        ConfigInvalid: a secret file is readable by others, unreadable, empty or not text.
    """
    secret = _found(name, state_dir)
    if secret is not None:
        OWN.learn(secret)
    return secret


def _found(name: str, state_dir: Path) -> str | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    # a whole folder that is loaded as one credential puts its own name before each file's
    for file in (name, f"{FOLDER_CREDENTIAL}_{name}"):
        if folder and _is_there(Path(folder) / file):
            return _from_file(Path(folder) / file, private=False)
    path = state_dir / "secrets" / name
    if _is_there(path):
        return _from_file(path, private=True)
    return os.environ.get(ENV_PREFIX + name.upper()) or None


def require_secret(name: str, state_dir: Path) -> str:
    """Return the secret called `name`.

    Raises:
        ConfigInvalid: as `read_secret`, or there is none; the line says where it may be put.
    """
    secret = read_secret(name, state_dir)
    if secret is None:
        raise ConfigInvalid(
            f"secret {name}: not found; put it into {state_dir / 'secrets' / name} (mode 0600), "
            f"$CREDENTIALS_DIRECTORY/{name} or {ENV_PREFIX}{name.upper()}"
        )
    return secret


def passphrase_of(name: str | None, state_dir: Path) -> str:
    """Return the third part of a key; empty where the exchange has none and none is named.

    Raises:
        ConfigInvalid: as `require_secret`.
    """
    return "" if name is None else require_secret(name, state_dir)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise ConfigInvalid(f"{path}: cannot be looked for: {error.strerror}") from None


def _from_file(path: Path, *, private: bool) -> str:
    try:
        mode = path.stat().st_mode
        if private and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigInvalid(
                f"{path}: mode was {stat.S_IMODE(mode):04o}, must be 0600: chmod 600 {path}"
            )
        data = path.read_bytes()
    except OSError as error:
        raise ConfigInvalid(f"{path}: cannot be read: {error.strerror}") from None
    try:
        secret = data[: SECRET_BYTES_MAX + 1].decode("utf-8").strip()
    except UnicodeDecodeError:
        raise ConfigInvalid(f"{path}: a secret must be UTF-8 text") from None
    if not secret or len(data) > SECRET_BYTES_MAX:
        raise ConfigInvalid(f"{path}: a secret has 1 to {SECRET_BYTES_MAX} bytes, was {len(data)}")
    return secret
