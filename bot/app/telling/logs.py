"""Wires loguru once: words for people on stderr, JSON lines in a rotated file, no secrets."""

import json
import logging
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loguru import logger
from typing_extensions import override

from bot.app.scrub import Scrubber
from bot.app.telling.log_file import LogFile

if TYPE_CHECKING:
    from loguru import Message, Record

ROTATE_BYTES = 20_000_000
FILES_KEPT = 10
FILE_NAME = "breakwater.jsonl"
_QUIET = (
    "asyncio",
    "alembic",
    "aiohttp.access",
    "apscheduler",
    "urllib3",
    "httpx",
    "httpcore",
    "ccxt",
    "apprise",
    "telegram",
    "uvicorn",
)


class Intercept(logging.Handler):
    """Sends what libraries log through the standard library to loguru."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Pass one record on, at the place it came from."""
        try:
            level: str | int = logger.level(record.levelname).name
        except ValueError:
            level = record.levelno
        source = logger.bind(library=record.name)
        source.opt(exception=record.exc_info).log(level, "{}", record.getMessage())


def wire_logs(folder: Path, level: str, scrubber: Scrubber, **bound: str) -> Path:
    """Set up both sinks and return the path of the file; `bound` goes into every line.

    Raises:
        OSError: the folder cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    logger.remove()
    logger.configure(patcher=lambda record: _patch(record, scrubber), extra=dict(bound))
    logger.add(_terminal(scrubber), level=level, backtrace=False, diagnose=False)
    logger.add(
        LogFile(path, rotate_bytes=ROTATE_BYTES, kept=FILES_KEPT),
        level="DEBUG",
        format=lambda record: _json_format(record, scrubber),
        enqueue=True,
        backtrace=False,
        diagnose=False,
        catch=True,
    )
    logging.basicConfig(handlers=[Intercept()], level=logging.INFO, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    return path


def drain_logs() -> None:
    """Write what is still queued; to be called once, at the end."""
    _written = logger.complete()
    logger.remove()


def json_line(record: "Record", scrubber: Scrubber) -> str:
    """Return one scrubbed JSON document for one log record."""
    line: dict[str, Any] = {
        "time": record["time"].astimezone().isoformat(timespec="milliseconds"),
        "level": record["level"].name,
        "at": f"{record['name']}:{record['line']}",
        "message": record["message"],
        **{key: value for key, value in record["extra"].items() if key != "json"},
    }
    caught = record["exception"]
    if caught is not None:
        text = "".join(traceback.format_exception(caught.type, caught.value, caught.traceback))
        line["exception"] = text
    return scrubber.clean(json.dumps(line, default=str, ensure_ascii=False))


def _json_format(record: "Record", scrubber: Scrubber) -> str:
    """Return a template that holds the finished line (loguru would format it once more)."""
    record["extra"]["json"] = json_line(record, scrubber)
    return "{extra[json]}\n"


def _patch(record: "Record", scrubber: Scrubber) -> None:
    record["message"] = scrubber.clean(record["message"])
    for key, value in record["extra"].items():
        if isinstance(value, str):
            record["extra"][key] = scrubber.clean(value)


def _terminal(scrubber: Scrubber) -> Any:  # noqa: ANN401 - loguru's sink type
    def write(message: "Message") -> None:
        record = message.record
        clock = record["time"].strftime("%H:%M:%S")
        account = record["extra"].get("account")
        whose = f"[{account}] " if account else ""
        line = f"{clock} {record['level'].name:<8} {whose}{record['message']}"
        caught = record["exception"]
        if caught is not None:
            line += f" ({getattr(caught.type, '__name__', '?')}: {caught.value})"
        sys.stderr.write(scrubber.clean(line) + "\n")

    return write
