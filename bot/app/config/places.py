"""Where things lie on disk: state, logs, journal, socket and strategies."""

import os
from pathlib import Path

import msgspec

from bot.app.config.settings import Settings
from bot.domain.errors import ConfigInvalid

SOCKET_PATH_BYTES_MAX = 100
DIRECTORY_MODE = 0o700


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Absolute paths of one installation."""

    root: Path
    config: Path
    state: Path
    logs: Path
    strategies: Path

    @property
    def journal(self) -> Path:
        """The database file."""
        return self.state / "journal.db"

    @property
    def socket(self) -> Path:
        """The control socket of a running daemon."""
        return self.state / "control.sock"

    @property
    def venue(self) -> Path:
        """The book of the embedded venue."""
        return self.state / "venue"


def places_of(settings: Settings, config: Path) -> Places:
    """Return the paths; relative ones start where the configuration folder lies."""
    root = config.resolve().parent
    under_systemd = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    state = Path(under_systemd) if under_systemd else root / settings.breakwater.state_dir
    return Places(
        root=root,
        config=config.resolve(),
        state=state,
        logs=root / settings.breakwater.log_dir,
        strategies=root / settings.strategies.folder,
    )


def make_state(places: Places) -> None:
    """Make the state directory, private to its owner, and see that it can be written.

    Raises:
        ConfigInvalid: it cannot be made or written, or its path is too long for a socket.
    """
    path = places.state
    if len(os.fsencode(places.socket)) > SOCKET_PATH_BYTES_MAX:
        raise ConfigInvalid(
            f"{path}: path too long for a socket, at most {SOCKET_PATH_BYTES_MAX} bytes allowed: "
            "set breakwater.state_dir to a shorter one"
        )
    probe = path / ".write-probe"
    try:
        path.mkdir(parents=True, exist_ok=True, mode=DIRECTORY_MODE)
        path.chmod(DIRECTORY_MODE)
        probe.write_bytes(b"ok")
        probe.unlink()
    except OSError as error:
        raise ConfigInvalid(
            f"{path}: state cannot be written ({error.strerror}): "
            "make it writable or set breakwater.state_dir"
        ) from None
