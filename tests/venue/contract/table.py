"""The table of docs/venues.md: `python -m tests.venue.contract.table` prints it."""

from bot.domain.exchanges import EMBEDDED, TRADED
from tests.venue.contract.scenarios import LACKS, SCENARIOS
from tests.venue.contract.stage import PATHS

EXCHANGES = tuple(name for name in TRADED if name in EMBEDDED and name in PATHS)
BEGIN, END = "<!-- contract: begin -->", "<!-- contract: end -->"


def table() -> str:
    """Return the table, a row for each scenario, a column for each exchange."""
    head = ["scenario", "what must hold", *EXCHANGES]
    rows = [
        [item.name, item.says, *(LACKS.get((name, item.name), "yes") for name in EXCHANGES)]
        for item in SCENARIOS
    ]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    print(table())
