"""What is logged holds no secret, whatever road it took."""

import base64
import json
import logging

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from loguru import logger

from bot.app.scrub import MASK, Scrubber
from bot.app.telling.logs import drain_logs, wire_logs

SECRET = "s3cr3t/Value+with=signs&more"


@pytest.fixture
def wired(tmp_path, capsys):
    scrubber = Scrubber()
    scrubber.learn(SECRET)
    path = wire_logs(tmp_path / "logs", "DEBUG", scrubber, run_id="abcd1234")

    def read() -> tuple[list[dict], str, str]:
        drain_logs()
        text = path.read_text()
        return [json.loads(line) for line in text.splitlines()], text, capsys.readouterr().err

    yield read
    logger.remove()
    logging.basicConfig(handlers=[], force=True)


def test_both_sinks_tell_the_line_with_the_run(wired):
    logger.info("stop placed at {}", 75_000)
    lines, _, err = wired()
    assert lines[0]["message"] == "stop placed at 75000"
    assert lines[0]["run_id"] == "abcd1234"
    assert "stop placed at 75000" in err


def test_no_road_leaks_the_secret(wired):
    logger.info("key {}", SECRET)
    logger.bind(header=SECRET, nested={"deep": SECRET}).warning("with context")
    logging.getLogger("ccxt").warning("GET /x?apiKey=ABCDEF123456&signature=deadbeefdeadbeef")
    try:
        raise RuntimeError(f"refused: {SECRET}")
    except RuntimeError:
        logger.exception("call failed with {}", base64.b64encode(SECRET.encode()).decode())
    lines, text, err = wired()
    assert len(lines) == 4
    for out in (text, err):
        assert SECRET not in out
        assert "ABCDEF123456" not in out
        assert "deadbeef" not in out
        assert base64.b64encode(SECRET.encode()).decode().rstrip("=") not in out
        assert MASK in out
    assert "RuntimeError" in lines[3]["exception"]


def test_braces_and_angles_in_a_message_are_kept(wired):
    logger.info("{}", "a {b} <red>c</red> %s")
    lines, _, err = wired()
    assert lines[0]["message"] == "a {b} <red>c</red> %s"
    assert "a {b} <red>c</red> %s" in err


@given(secret=st.text(min_size=6, max_size=40), around=st.text(max_size=30))
def test_a_learnt_secret_never_survives_in_any_spelling(secret, around):
    assume(secret not in MASK and MASK not in secret and not set(secret) <= set("*"))
    scrubber = Scrubber()
    scrubber.learn(secret)
    spellings = (secret, secret.encode().hex(), base64.b64encode(secret.encode()).decode())
    for spelling in spellings:
        assert spelling not in scrubber.clean(f"{around}|{spelling}|{around}") or spelling in around
