"""The configuration reference is the schema's, and every shipped key has its row."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from bot.app.config.reference import reference

ROOT = Path(__file__).resolve().parents[3]


def keys(table: dict[str, object], path: str) -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from keys(value, f"{path}.{key}")
        else:
            yield f"{path}.{key}"


def test_the_document_is_what_the_schema_says() -> None:
    told = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    assert told == reference(ROOT / "config"), "run: breakwater config reference"


def test_every_shipped_key_has_a_row() -> None:
    told = reference(ROOT / "config")
    for path in (ROOT / "config").glob("*.toml"):
        for key in keys(tomllib.loads(path.read_text("utf-8"))[path.stem], path.stem):
            named = key.partition('."')[0] if '"' in key else key
            assert f"`{named}`" in told or any(
                f"`{named.rsplit('.', up)[0]}`" in told for up in (1, 2)
            ), key
