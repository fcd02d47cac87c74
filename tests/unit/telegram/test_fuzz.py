"""Random mail by the thousand: no effect that the rules do not allow, none twice."""

import pytest

from tests.unit.telegram.fuzz import run


@pytest.mark.parametrize("seed", [1, 2])
async def test_random_mail_has_no_unauthorised_effect(seed: int) -> None:
    counts = await run(3_000, seed)
    assert counts["updates"] == 3_000
    assert min(counts["lowered"], counts["raised by button"], counts["raised by code"]) > 3
    assert counts["told telegram_stranger"] > 0
    assert counts["restarts"] > 0
