"""Secrets come from private places, in a fixed order, and a loose file is refused."""

import pytest

from bot.app.config.credentials import read_secret, require_secret
from bot.app.scrub import OWN
from bot.domain.errors import ConfigInvalid


@pytest.fixture
def places(tmp_path, monkeypatch):
    credentials = tmp_path / "credentials"
    secrets = tmp_path / "state" / "secrets"
    credentials.mkdir()
    secrets.mkdir(parents=True)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    monkeypatch.delenv("BREAKWATER_SECRET_KEY_A", raising=False)
    return credentials, secrets


def test_systemd_wins_over_the_file_and_the_file_over_the_environment(places, monkeypatch):
    credentials, secrets = places
    monkeypatch.setenv("BREAKWATER_SECRET_KEY_A", "from-env")
    assert read_secret("key_a", secrets.parent) == "from-env"
    (secrets / "key_a").write_text("from-file\n")
    (secrets / "key_a").chmod(0o600)
    assert read_secret("key_a", secrets.parent) == "from-file"
    (credentials / "key_a").write_text("from-systemd")
    assert read_secret("key_a", secrets.parent) == "from-systemd"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610, 0o777])
def test_a_file_that_others_may_read_is_refused(places, mode):
    _, secrets = places
    (secrets / "key_a").write_text("value")
    (secrets / "key_a").chmod(mode)
    with pytest.raises(ConfigInvalid, match="chmod 600"):
        read_secret("key_a", secrets.parent)


@pytest.mark.parametrize("content", [b"", b"  \n", b"\xff\xff", b"x" * 20_000])
def test_an_unusable_secret_is_refused_without_being_shown(places, content):
    _, secrets = places
    (secrets / "key_a").write_bytes(content)
    (secrets / "key_a").chmod(0o600)
    with pytest.raises(ConfigInvalid) as caught:
        read_secret("key_a", secrets.parent)
    assert "xxxx" not in str(caught.value)


def test_a_missing_secret_says_where_it_may_be_put(places):
    _, secrets = places
    assert read_secret("key_a", secrets.parent) is None
    with pytest.raises(ConfigInvalid, match=r"CREDENTIALS_DIRECTORY.*BREAKWATER_SECRET_KEY_A"):
        require_secret("key_a", secrets.parent)


def test_a_folder_loaded_as_one_credential_is_understood(places):
    credentials, secrets = places
    (credentials / "secrets_key_a").write_text("from-folder")
    assert read_secret("key_a", secrets.parent) == "from-folder"


def test_what_was_read_is_never_told_again(places):
    credentials, secrets = places
    (credentials / "key_a").write_text("a-very-secret-word")
    read_secret("key_a", secrets.parent)
    assert OWN.clean("it was a-very-secret-word") == "it was ***"
    assert OWN.without_known('{"token": "x", "said": "a-very-secret-word"}') == (
        '{"token": "x", "said": "***"}'
    )


def test_a_folder_that_may_not_be_read_is_one_line(places, monkeypatch):
    _, secrets = places

    def refused(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.exists", refused)
    with pytest.raises(ConfigInvalid, match="cannot be looked for: Permission denied"):
        read_secret("key_a", secrets.parent)
