"""One account, one daemon, on one machine."""

import os
import secrets
import subprocess
import sys

import pytest

from bot.app.accounts.lock import hold_account
from bot.domain.errors import StateLocked
from tests.fakes.daemon import ROOT

HOLD = (
    "import sys; from bot.app.accounts.lock import hold_account\n"
    "with hold_account(sys.argv[1], sys.argv[2]): print('held', flush=True); sys.stdin.read()"
)


def test_an_account_has_one_driver_whoever_asks_first() -> None:
    key = secrets.token_hex(16)
    with hold_account("live", key):
        with pytest.raises(StateLocked, match="another breakwater") as caught:
            hold_account("live", key).__enter__()
        assert key not in str(caught.value)
        with hold_account("testnet", key), hold_account("live", key + "x"):
            pass
    with hold_account("live", key):
        pass


def test_a_killed_driver_leaves_the_account_free() -> None:
    key = secrets.token_hex(16)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, "live", key],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StateLocked):
            hold_account("live", key).__enter__()
        holder.kill()
        holder.wait(timeout=30)
    with hold_account("live", key):
        pass
