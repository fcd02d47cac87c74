"""The same scenarios on every embedded exchange that can be traded, with real ccxt."""

from pathlib import Path

import pytest

from tests.venue.contract.scenarios import LACKS, SCENARIOS, Scenario
from tests.venue.contract.stage import staged
from tests.venue.contract.table import BEGIN, END, EXCHANGES, table

DOCS = Path(__file__).resolve().parents[3] / "docs" / "venues.md"
CELLS = [
    pytest.param(exchange, item, id=f"{exchange}-{item.run.__name__}")
    for item in SCENARIOS
    for exchange in EXCHANGES
    if (exchange, item.name) not in LACKS
]


@pytest.mark.parametrize(("exchange", "item"), CELLS)
async def test_contract(exchange: str, item: Scenario) -> None:
    async with staged(exchange, **item.venue) as stage:
        await item.run(stage)


def test_the_table_in_the_documentation_is_this_suite() -> None:
    text = DOCS.read_text()
    told = text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip()
    assert told == table(), "python -m tests.venue.contract.table prints it anew"


def test_what_is_lacking_is_said_of_real_cells() -> None:
    names = {item.name for item in SCENARIOS}
    assert all(exchange in EXCHANGES and name in names for exchange, name in LACKS)
    assert len(names) == len(SCENARIOS)
