"""The table [state]: what it refuses, and that a password is told nobody."""

import json
import sys

import pytest

from bot.app.accounts.listed import accounts_beside
from bot.app.cli import run_cli
from bot.app.config.mode import RunWish, settled
from bot.app.config.places import places_of
from bot.app.config.server import server_of
from bot.app.config.settings import load_settings
from bot.app.scrub import OWN
from bot.domain.errors import ConfigInvalid

GOOD = "postgresql+pg8000://anna@db.example.org:5432/breakwater"


def test_without_an_address_the_state_is_a_file(config):
    settings = load_settings(config)
    assert server_of(settings, places_of(settings, config)) is None
    with pytest.raises(ConfigInvalid, match=r"state\.url names no server"):
        settled(settings, RunWish(standby=True))


def test_the_password_comes_from_the_secrets_and_stays_out_of_every_text(config, edit, monkeypatch):
    edit("state.toml", 'url = ""', f'url = "{GOOD}"')
    monkeypatch.setenv("BREAKWATER_SECRET_STATE_PASSWORD", "open sesame 7")
    settings = load_settings(config)
    server = server_of(settings, places_of(settings, config))
    assert server.password == "open sesame 7"
    assert "sesame" not in f"{server} {server!r} {server.label} {settings}"
    assert "sesame" not in OWN.clean("refused: open sesame 7")
    assert settled(settings, RunWish(standby=True)).state.standby


@pytest.mark.parametrize("length", [8, 90])
def test_a_password_in_the_address_is_refused_without_telling_it(
    config, edit, capsys, monkeypatch, length
):
    secret = ("hunter2" * 20)[:length]
    edit("state.toml", 'url = ""', f'url = "postgresql+pg8000://anna:{secret}@db/breakwater"')
    monkeypatch.setenv("BREAKWATER_CONFIG_DIR", str(config))
    assert run_cli(["config", "check"]) == 2
    told = capsys.readouterr()
    assert "state.url" in told.err
    assert "hunter2" not in told.err + told.out


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('url = ""', 'url = "mysql://anna@db/breakwater"', "state.url"),
        ('url = ""', 'url = "postgresql+pg8000://db/breakwater"', "state.url"),
        ('url = ""', 'url = "postgresql+pg8000://anna@db:port/breakwater"', "state.url"),
        ('account = "main"', 'account = "Main Street"', "state.account"),
        ("lease_s = 6.0", "lease_s = 0.5", "state.lease_s"),
    ],
)
def test_a_bad_word_is_named(config, edit, old, new, words):
    edit("state.toml", old, new)
    with pytest.raises(ConfigInvalid, match=words):
        load_settings(config)


def test_a_missing_driver_is_one_line(config, edit, monkeypatch):
    edit("state.toml", 'url = ""', f'url = "{GOOD}"')
    settings = load_settings(config)
    monkeypatch.setitem(sys.modules, "pg8000", None)
    with pytest.raises(ConfigInvalid, match=r"driver is missing.*pip install"):
        server_of(settings, places_of(settings, config))


def test_accounts_beside_have_rooms_of_their_own_and_the_first_stands_by_for_all(config, edit):
    edit("state.toml", 'url = ""', f'url = "{GOOD}"')
    beside = '{"hedge": {"venues": {"exchange": "bybit"}}}'
    settings = load_settings(config)
    table = settings.accounts.model_copy(update={"beside": json.loads(beside)})
    settings = settings.model_copy(update={"accounts": table})
    settings = settled(settings, RunWish(standby=True))
    (account,) = accounts_beside(settings, places_of(settings, config))
    state = account.settings.state
    assert (state.url, state.account, state.standby) == (GOOD, "hedge", False)
    assert settings.state.standby
