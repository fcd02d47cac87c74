"""A venue recorded over its real protocol, replayed without it, and a change that shows."""

import json

import pytest

from tests.fakes.daemon import Stand

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-venue-truth")]

UNHEALTHY = 3


@pytest.mark.parametrize("exchange", ["binance", "bybit", "hyperliquid", "okx"])
def test_what_was_recorded_is_read_alike_and_a_change_is_named(exchange: str) -> None:
    with Stand(BREAKWATER_VENUES__EXCHANGE=exchange) as stand:
        venue = stand.start_venue()
        secrets = json.loads((stand.state / "venue" / "address.json").read_text())
        file = stand.root / "truth.jsonl"
        done = stand.run("venue", "record", "--into", str(file), "--seconds", "3", "--json")
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert told["pairs"] > 5
        assert told["frames"] > 0
        assert told["steps_refused"] == []
        text = file.read_text()
        for name in ("api_key", "api_secret"):
            assert secrets[name] not in text
        assert "signature" not in text
        venue.kill()

        same = stand.run("venue", "diff", str(file), "--json")
        assert json.loads(same.stdout)["same"] is True, same.stdout[:2000]
        assert same.returncode == 0

        rows = [json.loads(line) for line in text.splitlines()]
        rows[-1]["told"]["account"]["wallet_usd"] = "1"  # as an older program might have read it
        pairs = [row["pair"] for row in rows if "pair" in row]
        asked = [(pair["path"], json.dumps(pair["params"])) for pair in pairs]
        once = next(i for i, key in enumerate(asked) if asked.count(key) == 1)
        pairs[once]["path"] += "/moved"
        file.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
        other = stand.run("venue", "diff", str(file), "--json")
        assert other.returncode == UNHEALTHY
        found = json.loads(other.stdout)
        assert "account.wallet_usd" in {change["at"] for change in found["changes"]}
        assert found["asked_anew"]
        assert [line for line in found["no_longer_asked"] if "/moved" in line]

        file.write_text("{}\n")
        bad = stand.run("venue", "diff", str(file))
        assert bad.returncode == 2
        (line,) = bad.stderr.strip().splitlines()
        assert "line 1 is not of a fixture" in line


def test_the_contract_by_command_leaves_a_venue_running_that_ran_before() -> None:
    with Stand() as stand:
        venue = stand.start_venue()
        done = stand.run("doctor", "--contract", "--mode", "paper", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)["left_behind"] == []
        assert venue.alive
        assert stand.venue.reachable()
