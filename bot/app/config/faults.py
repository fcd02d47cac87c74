"""Turns faults of the configuration into lines: file, key, what was, what is allowed."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

_LIMITS = {
    "greater_than": ("gt", "above {}"),
    "greater_than_equal": ("ge", "at least {}"),
    "less_than": ("lt", "below {}"),
    "less_than_equal": ("le", "at most {}"),
}


def lines_of(
    error: ValidationError, folder: Path, env: Mapping[tuple[str, ...], str], model: type[BaseModel]
) -> list[str]:
    """Return one line for each fault in `error`, each with its place and what is allowed."""
    return [_line(dict(fault), folder, env, model) for fault in error.errors()]


def env_names(
    env: Mapping[str, str], prefix: str, tables: Sequence[str]
) -> dict[tuple[str, ...], str]:
    """Return key path -> variable name for every override in the environment."""
    found: dict[tuple[str, ...], str] = {}
    for name in env:
        path = tuple(name.upper().removeprefix(prefix).lower().split("__"))
        if name.upper().startswith(prefix) and len(path) > 1 and path[0] in tables:
            found[path] = name
    return found


def unknown_env(env: Mapping[str, str], prefix: str, tables: Sequence[str]) -> list[str]:
    """Return a line for each variable that looks like an override of a table nobody knows."""
    lines: list[str] = []
    for name in sorted(env):
        table, nested, _ = name.upper().removeprefix(prefix).lower().partition("__")
        if name.upper().startswith(prefix) and nested and table not in tables:
            lines.append(f"environment: {name}: no table {table!r}; allowed: {', '.join(tables)}")
    return lines


def _line(
    fault: dict[str, Any],
    folder: Path,
    env: Mapping[tuple[str, ...], str],
    model: type[BaseModel],
) -> str:
    path = tuple(str(part) for part in fault["loc"] if not _is_wrapper(str(part)))
    key = ".".join(path)
    variable = next((name for at, name in env.items() if path[: len(at)] == at), "")
    where = f"environment: {variable} ({key})" if variable else f"{_file(folder, path)}: {key}"
    kind = str(fault["type"])
    if kind == "extra_forbidden":
        return f"{where}: unknown key{_near(path, model)}"
    if kind == "missing":
        return f"{where}: missing"
    was = f"was {_short(fault['input'])}, "
    if isinstance(fault["input"], Mapping | BaseModel):
        was = ""
    return f"{where}: {was}{_allowed(fault, kind)}"


def _is_wrapper(part: str) -> bool:
    """Tell the names that pydantic adds for unions and constraints from real keys."""
    return "[" in part or part in ("float", "int", "str", "bool")


def _file(folder: Path, path: tuple[str, ...]) -> Path:
    return folder / f"{path[0]}.toml" if path else folder


def _allowed(fault: dict[str, Any], kind: str) -> str:
    context = fault.get("ctx", {})
    if kind in _LIMITS:
        name, words = _LIMITS[kind]
        return "must be " + words.format(_plain(context[name]))
    if kind == "literal_error":
        return f"allowed: {context['expected']}"
    if kind == "value_error":
        return str(context.get("error", fault["msg"]))
    if kind == "string_pattern_mismatch":
        return f"must match {context['pattern']}"
    message = str(fault["msg"])
    return message[:1].lower() + message[1:]


def _plain(bound: object) -> str:
    return f"{bound:g}" if isinstance(bound, float) else str(bound)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _near(path: tuple[str, ...], model: type[BaseModel]) -> str:
    """Return the known keys at this place, the nearest first named."""
    known = _keys_at(path[:-1], model)
    close = difflib.get_close_matches(path[-1], known, n=1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known: {', '.join(known)}" if known else ""


def _keys_at(path: tuple[str, ...], model: type[BaseModel]) -> list[str]:
    current: type[BaseModel] = model
    for part in path:
        if part.isdigit():
            continue
        field = current.model_fields.get(part)
        nested = _model_in(field.annotation) if field else None
        if nested is None:
            return []
        current = nested
    return sorted(current.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any annotation
    """Return the model inside an annotation such as `Model`, `tuple[Model, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(part) for part in getattr(annotation, "__args__", ()))
    return next((model for model in inner if model is not None), None)
