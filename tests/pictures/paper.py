"""Makes pictures small, and terminals into pictures."""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.text import Text

BYTES_MAX = 200_000
COLUMNS, ROWS = 118, 60
CHROMIUM_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--hide-scrollbars",
)  # fmt: skip
WEB_FONT = re.compile(r"@font-face \{.*?\}", re.DOTALL)


def compact(png: bytes, path: Path) -> None:
    """Write a picture with a palette, with fewer colours until it is small enough."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    for colours in (256, 128, 64, 32):
        small = image.quantize(colours, dither=Image.Dither.NONE)
        small.save(path, optimize=True)
        if path.stat().st_size < BYTES_MAX:
            return
    raise ValueError(f"{path}: larger than {BYTES_MAX} bytes")


def in_a_terminal(command: Sequence[str], env: Mapping[str, str], folder: Path) -> str:
    """Run a command on a terminal of COLUMNS columns; return what it wrote there."""
    near, far = pty.openpty()
    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    seen = {**env, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    with subprocess.Popen(
        command, stdin=far, stdout=far, stderr=subprocess.DEVNULL, env=seen, cwd=folder
    ) as process:
        os.close(far)
        told = bytearray()
        with suppress(OSError):  # the far end was closed: that is how a terminal ends
            while part := os.read(near, 65_536):
                told += part
        process.wait(timeout=60)
    os.close(near)
    return told.decode("utf-8", "replace").replace("\r\n", "\n")


def terminal_page(title: str, text: str) -> str:
    """An HTML page that holds the terminal as one SVG, in a font of this machine."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(text.rstrip()))
    svg = WEB_FONT.sub("", console.export_svg(title=title))
    return f"<style>svg {{ width: 1180px; display: block }}</style>{svg}"
