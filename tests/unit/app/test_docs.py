"""The documentation names commands, files and keys that exist."""

import re
from pathlib import Path

import pytest
import typer.main

from bot.app.cli import build
from bot.app.config.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
WORDS_OF_RUN = {"test", "campaign", "audit", "licences", "coverage", "mutation"}
COMMANDS = set(typer.main.get_command(build()).commands)


def test_there_is_documentation():
    named = {str(page.relative_to(ROOT)) for page in PAGES}
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/architecture.md"} <= named
    assert sum("docs/adr/" in name for name in named) >= 10


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_in_the_text_exist(page):
    told = re.findall(r"(?:\./run|`breakwater) ([a-z][a-z-]*)", page.read_text())
    unknown = {name for name in told if name not in COMMANDS | WORDS_OF_RUN}
    assert not unknown


def test_every_word_of_run_is_in_its_own_text():
    told = (ROOT / "run").read_text()
    assert all(
        re.search(rf"^  {word}( [|\\][^)]*)?\)", told, re.MULTILINE) for word in WORDS_OF_RUN
    )


def options_of(name: str) -> set[str]:
    """Every option of a command and of what is below it, and those before any command."""
    whole = typer.main.get_command(build())
    left, found = [whole.commands[name]], {opt for param in whole.params for opt in param.opts}
    while left:
        command = left.pop()
        left += getattr(command, "commands", {}).values()
        found |= {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
    return found | {"--help"}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_options_in_the_text_exist(page):
    """Told beside their command: in a block to be typed, or between backticks."""
    told = re.findall(r"(?:\./run|`?breakwater) ([a-z][a-z-]*)([^`#\n|;&]*)", page.read_text())
    for name, rest in told:
        if name in COMMANDS:
            unknown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", rest)) - options_of(name)
            assert not unknown, f"{name}: {unknown}"


def anchors(page: Path) -> set[str]:
    """The anchors that a forge makes of the headings of a page."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page):
    for target, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", page.read_text()):
        if not target.startswith("http"):
            aim = page.parent / target if target else page
            assert aim.exists(), target
            assert not anchor or anchor in anchors(aim), f"{target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_files_of_the_house_in_the_text_exist(page):
    """Paths that a reader is sent to: configuration, documents, scripts, what is deployed."""
    told = re.findall(
        r"`((?:config|docs|scripts|deploy|strategies|bot|tests)/[\w./-]+)`", page.read_text()
    )
    if page.name == "CHANGELOG.md" or page.parent.name == "adr":
        return  # they tell what was
    for name in told:
        path = ROOT / name
        placeholder = re.search(r"[A-Z]{3,}", name)
        assert placeholder or path.exists() or list(ROOT.glob(f"{name}*")), name


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_keys_in_the_text_exist(page):
    for table, rest in re.findall(
        r"`(breakwater|risk|levels|strategies)\.([a-z_.]+)[ `]", page.read_text()
    ):
        if rest == "toml":
            continue
        model = Settings
        for part in [table, *rest.split(".")]:
            assert part in model.model_fields, f"{table}.{rest}"
            model = model.model_fields[part].annotation


def test_every_command_has_a_line_of_help():
    for name, command in typer.main.get_command(build()).commands.items():
        assert command.help, name


def test_the_strategy_of_the_guide_is_one(config, tmp_path):
    from bot.app.trying.discover import find_strategies

    code = re.search(r"```python\n(.*?)```", (ROOT / "docs/strategies.md").read_text(), re.DOTALL)
    assert code is not None
    (tmp_path / "buy_the_hour.py").write_text(code[1])
    (found,) = find_strategies(tmp_path, ["buy_the_hour"], {"buy_the_hour": {"stop_atr": 1.5}})
    assert found.params.stop_atr == 1.5


def test_the_example_faults_are_what_is_told(config, edit, monkeypatch):
    from bot.domain.errors import ConfigInvalid

    edit("risk.toml", "risk_frac = 0.005", "risk_frac = 0.9")
    edit("risk.toml", 'profile = "L20"', 'profil = "L20"')
    monkeypatch.setenv("BREAKWATER_LEVELS__BAND_BPS", "nan")
    with pytest.raises(ConfigInvalid) as caught:
        load_settings(config)
    told = str(caught.value).replace(f"{config.parent}/", "")
    example = (ROOT / "docs/errors.md").read_text()
    known = [line for line in told.splitlines() if line in example]
    assert len(known) == 3, told
