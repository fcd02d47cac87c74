"""Writes the configuration reference: every key with its bounds, default, and what it is for."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bot.app.config.settings import Settings

_KEY = re.compile(r"^#?\s*\"?([A-Za-z_]\w*)\"?\s*=\s*[^#]*(?:#\s*(.+))?$")
HEAD = """# Configuration

Made by `breakwater config reference` from the schema; a test holds it equal. One file owns one
table. Any key may be overridden in the environment: `BREAKWATER_RISK__PROFILE=L25`. Secrets are
never written here, only their names.
"""


def reference(folder: Path) -> str:
    """Return the reference as Markdown; words come from the comments of the files in `folder`."""
    schema = Settings.model_json_schema()
    parts = [HEAD]
    for name, field in schema["properties"].items():
        path = folder / f"{name}.toml"
        words = _words(path.read_text("utf-8")) if path.is_file() else {}
        parts.append(f"\n## {name}.toml\n")
        parts.append("| key | allowed | default | meaning |\n|---|---|---|---|\n")
        parts += [_row(row, words) for row in _rows(schema, field, name)]
    return "".join(parts)


def _words(text: str) -> dict[str, str]:
    """Return what the shipped file says behind each key."""
    found: dict[str, str] = {}
    above: list[str] = []
    for line in map(str.strip, text.splitlines()):
        match = _KEY.match(line)
        if match:
            found.setdefault(match[1], (match[2] or " ".join(above)).strip())
            above = []
        elif line.startswith("#"):
            above.append(line.strip("# "))
        else:
            above = []
    return found


def _rows(
    schema: Mapping[str, Any], field: Mapping[str, Any], path: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every key with what the schema says of it, depth first."""
    table = _table_of(schema, field)
    if table is None:
        yield path, field
        return
    for key, inner in table.get("properties", {}).items():
        yield from _rows(schema, inner, f"{path}.{key}")


def _table_of(schema: Mapping[str, Any], field: Mapping[str, Any]) -> Mapping[str, Any] | None:
    ref = field.get("$ref")
    if ref is None:
        return None
    found: Mapping[str, Any] = schema["$defs"][ref.rsplit("/", 1)[1]]
    return found if found.get("type") == "object" else None


def _row(row: tuple[str, Mapping[str, Any]], words: Mapping[str, str]) -> str:
    path, field = row
    key = path.rsplit(".", 1)[1]
    made = "empty" if field.get("type") in ("object", "array") else "must be given"
    default = f"`{_plain(field['default'])}`" if "default" in field else made
    cells = (f"`{path}`", _allowed(field), default, words.get(key, field.get("description", "")))
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |\n"


def _plain(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value != "" else '""'


def _allowed(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(str(value) for value in field["enum"])
    if "const" in field:
        return str(field["const"])
    if "anyOf" in field:
        return " or ".join(_allowed(one) for one in field["anyOf"])
    kind = str(field.get("type", field.get("$ref", "").rsplit("/", 1)[-1] or "any"))
    kind = {"null": "nothing", "number": "number", "integer": "whole number"}.get(kind, kind)
    bounds = [
        f"{sign} {field[name]:g}"
        for names, sign in (
            (("ge", "minimum"), "≥"),
            (("gt", "exclusiveMinimum"), ">"),
            (("le", "maximum"), "≤"),
            (("lt", "exclusiveMaximum"), "<"),
        )
        for name in names
        if name in field
    ]
    if kind == "array":
        return f"list of {_allowed(field.get('items', {}))}"
    return f"{kind} {', '.join(bounds)}".strip()
