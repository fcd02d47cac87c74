"""The rules no linter knows."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted([*ROOT.glob("bot/**/*.py"), *ROOT.glob("strategies/*.py")])
IDS = [str(path.relative_to(ROOT)) for path in SOURCES]
TREES = {path: ast.parse(path.read_text()) for path in SOURCES}
MODULE_LINES_MAX, FUNCTION_LINES_MAX, ROOM_MODULES_MAX = 350, 60, 36
RUNS_DATA = {
    "pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "jsonpickle", "joblib",
    "yaml", "eval", "exec", "compile", "__import__", "shell", "code", "pty",
}  # fmt: skip
COMPILERS = {"bot/lab/fast/compiler.py"}
"""Rooms that load the house's own modules a second time, to compile them."""
PURE_ROOMS = {"domain", "kernel", "strategies"}
PURE = [path for path in SOURCES if PURE_ROOMS & set(path.relative_to(ROOT).parts)]
IMPURE_BUILTINS = {"open", "input", "print", "hash", "id", "eval", "exec", "globals", "__import__"}
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "manager", "base", "core"}
TEXT_SUFFIXES = {".py", ".md", ".toml", ".sh", ".lock", ".in", ".service", ".html", ".css", ".js"}
FORBIDDEN_TEXT = re.compile(r"/work/|pypi\.org|pythonhosted|debian\.org/debian")


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        node
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


@pytest.mark.parametrize("path", SOURCES, ids=IDS)
def test_a_module_fits_on_a_few_screens(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MODULE_LINES_MAX


def test_no_room_is_crowded() -> None:
    rooms = Counter(str(path.parent.relative_to(ROOT)) for path in SOURCES)
    assert {room: many for room, many in rooms.items() if many > ROOM_MODULES_MAX} == {}


@pytest.mark.parametrize("path", SOURCES, ids=IDS)
def test_a_function_fits_on_a_screen(path: Path) -> None:
    for node in functions(path):
        assert (node.end_lineno or 0) - node.lineno < FUNCTION_LINES_MAX, node.name


@pytest.mark.parametrize("path", SOURCES, ids=IDS)
def test_a_module_says_its_duty_and_has_a_telling_name(path: Path) -> None:
    assert ast.get_docstring(TREES[path]), "first line must say the module's one duty"
    assert path.stem not in FORBIDDEN_NAMES


def test_only_the_gate_approves() -> None:
    makers = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ApprovedOrder"
    }
    assert makers == {"bot/kernel/gate.py"}


def test_nothing_that_runs_data_as_code() -> None:
    """No pickle and its kin, no eval; code from files is run in one place, for strategies."""
    loaders = set()
    for path in SOURCES:
        where = str(path.relative_to(ROOT))
        for node in ast.walk(TREES[path]):
            match node:
                case ast.Import(names=names):
                    found = {name.name.split(".")[0] for name in names}
                case ast.ImportFrom(module=str(module)):
                    found = {module.split(".")[0]}
                case ast.Call(func=ast.Name(id="eval" | "exec" | "compile" | "__import__" as name)):
                    found = {name}
                case ast.Call(func=ast.Attribute(attr="exec_module")):
                    loaders.add(where)
                    continue
                case ast.keyword(arg="shell", value=ast.Constant(value=True)):
                    found = {"shell"}
                case _:
                    continue
            assert not found & RUNS_DATA, f"{where}:{node.lineno} {found & RUNS_DATA}"
    assert loaders <= {"bot/app/trying/discover.py"} | COMPILERS, loaders


def test_domain_values_are_frozen() -> None:
    for path in PURE:
        if "domain" not in path.parts:
            continue
        for node in ast.walk(TREES[path]):
            if not isinstance(node, ast.ClassDef):
                continue
            if any(getattr(base, "attr", "") == "Struct" for base in node.bases):
                frozen = [k.value for k in node.keywords if k.arg == "frozen"]
                assert frozen, f"{path}:{node.lineno} {node.name} is not frozen"


@pytest.mark.parametrize("path", PURE, ids=[str(p.relative_to(ROOT)) for p in PURE])
def test_the_core_uses_no_impure_builtin(path: Path) -> None:
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in IMPURE_BUILTINS, f"{path}:{node.lineno} {node.func.id}"


def test_no_naked_task() -> None:
    """A task is born in a TaskGroup: `x.create_task` where x is a group, nothing else."""
    for path in SOURCES:
        for node in ast.walk(TREES[path]):
            if not isinstance(node, ast.Attribute):
                continue
            where = f"{path.relative_to(ROOT)}:{node.lineno}"
            assert node.attr not in {"ensure_future", "run_coroutine_threadsafe"}, where
            if node.attr == "create_task":
                owner = ast.unparse(node.value)
                assert "group" in owner.lower(), f"{where} {owner}.create_task"


def test_nothing_is_swallowed() -> None:
    for path in SOURCES:
        for node in ast.walk(TREES[path]):
            if isinstance(node, ast.ExceptHandler):
                silent = len(node.body) == 1 and isinstance(node.body[0], ast.Pass)
                assert not silent, f"{path.relative_to(ROOT)}:{node.lineno} except: pass"


def test_the_text_speaks_of_the_product_alone() -> None:
    skipped = {
        ".git",
        ".venv",
        ".venv-audit",
        "state",
        "logs",
        ".hypothesis",
        ".mypy_cache",
        ".ruff_cache",
    }
    for path in ROOT.rglob("*"):
        if skipped & set(path.relative_to(ROOT).parts) or path.suffix not in TEXT_SUFFIXES:
            continue
        if path == Path(__file__).resolve():
            continue
        found = FORBIDDEN_TEXT.search(path.read_text(errors="replace"))
        assert found is None, f"{path.relative_to(ROOT)}: {found.group(0)!r}"
