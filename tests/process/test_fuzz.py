"""Junk at the control socket: 1,500 lines here, 100,000 by `./run campaign fuzz`.

Budget: 30 s of one core.
"""

import pytest

from tests.process.fuzz import campaign

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("process-fuzz")]

LINES = 1_500
SEED = 20260131


def test_junk_gets_one_line_each_and_harms_nothing() -> None:
    told = campaign(LINES, SEED)
    assert told.violations == []
    assert told.commands == LINES
    assert told.answered > LINES * 0.95
    assert told.refused > LINES * 0.2
    assert set(told.kinds) == {"bytes", "command", "deep", "long", "question", "shape"}
