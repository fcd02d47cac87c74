"""The command line: one file in `commands` is one group of commands."""

import importlib
import os
import pkgutil
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bot import __version__
from bot.app.cli import commands
from bot.app.cli.home import ask_of
from bot.app.config.folder import config_folder
from bot.app.scrub import OWN
from bot.domain.errors import BotError, ConfigInvalid, DataInvalid

EXIT_OK = 0
EXIT_USAGE = 2
EXIT_UNHEALTHY = 3
USAGE: type[Exception] = typer.BadParameter.__mro__[1]
"""What the command line raises for words it does not understand."""
PHRASES = (
    ("Value error, ", ""), ("Input should be", "must be"),
    (", unable to parse string as a number", ""), (", unable to parse string as an integer", ""),
    ("Invalid value for", "the value of"), (": must be", " must be"),
)  # fmt: skip
"""Words of the library, and ours for them."""
_FAULT_FILE = "breakwater-fault.txt"


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run_cli(sys.argv[1:]))


def run_cli(args: Sequence[str]) -> int:
    """Run one command and return 0 ok, 2 usage or configuration, 3 unhealthy or refused."""
    try:
        ended = build()(list(args) or ["run"], prog_name="breakwater", standalone_mode=False)
    except SystemExit as left:
        return _code(left.code)
    except USAGE as error:
        return _misused(error)
    except BotError as error:
        wrong = isinstance(error, ConfigInvalid | DataInvalid)
        return _say(error, EXIT_USAGE if wrong else EXIT_UNHEALTHY)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("stopped\n")
        return EXIT_UNHEALTHY
    except Exception as error:  # noqa: BLE001 - the last border: a person is behind it
        return _confess(error)
    return _code(ended)


def _code(ended: object) -> int:
    """Return the exit code of what a command left behind: nothing, or a code of its own."""
    if ended is None:
        return EXIT_OK
    return ended if ended in (EXIT_OK, EXIT_USAGE) and isinstance(ended, int) else EXIT_UNHEALTHY


def _misused(error: Exception) -> int:
    """Say in one line what is wrong with the words of a command; a bare group says its help."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "breakwater"
    told = str(getattr(error, "format_message", error.__str__)()).strip()
    if "\n" not in told:
        for theirs, ours in PHRASES:
            told = told.replace(theirs, ours)
        told = f"{path}: {told.rstrip('.')}; see {path} --help"
    sys.stderr.write(f"{told}\n")
    return EXIT_USAGE


def build() -> typer.Typer:
    """Return the application with every command found in `commands`, by file name."""
    app = typer.Typer(
        name="breakwater",
        help="Guards and trades crypto perpetual futures. Without a command: run, on paper.",
        add_completion=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=False,
    )
    app.callback()(_common)
    for found in sorted(pkgutil.iter_modules(commands.__path__), key=lambda module: module.name):
        importlib.import_module(f"{commands.__name__}.{found.name}").register(app)
    return app


def _version(*, asked: bool) -> None:
    if asked:
        sys.stdout.write(f"breakwater {__version__}\n")
        raise typer.Exit


def _common(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_version, help="Say the version and end."
        ),
    ] = False,
    config: Annotated[
        str, typer.Option("--config", metavar="DIR", help="Folder of the configuration files.")
    ] = "",
    account: Annotated[
        str, typer.Option("--account", metavar="NAME", help="Of accounts.toml; else the first.")
    ] = "",
) -> None:
    """Guards and trades crypto perpetual futures. Without a command: run, on paper."""
    del version
    if config:
        os.environ["BREAKWATER_CONFIG_DIR"] = config
    ask_of(account)


def _say(error: BotError, code: int) -> int:
    sys.stderr.write(f"{OWN.clean(str(error))}\n")
    return code


def _confess(error: Exception) -> int:
    """Put a fault of ours into a file and one line on the terminal."""
    name = type(error).__name__
    first = OWN.clean((str(error).splitlines() or [""])[0][:200])
    logs = config_folder().resolve().parent / "logs"
    place = (logs if logs.is_dir() else Path.cwd()) / _FAULT_FILE
    try:
        text = OWN.clean("".join(traceback.format_exception(error)))
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        note = f"details are in {place}"
    except OSError:
        note = "details could not be written"
    sys.stderr.write(f"breakwater has a fault ({name}: {first}); {note}; please report it\n")
    return EXIT_UNHEALTHY
