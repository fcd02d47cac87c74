"""A table that fits: on a terminal too narrow for its words, few rows are told one by one."""

from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

CARDS_MAX = 6
"""More rows than these stay a table, broken words and all: one by one they would fill pages."""
EDGES = 3
"""Characters that a column takes beside its words."""


class Fitting:
    """Rows under headings; a table where no word must be broken for it, else a list each row."""

    def __init__(self, title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self._title = title
        self._headings = headings
        self._rows = rows

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        """Choose by the width there is."""
        if not self._rows:
            yield Text.assemble((self._title, "bold"), ": none")
            return
        too_wide = self._needed() > options.max_width
        if not too_wide or len(self._rows) > CARDS_MAX:
            yield self._table()
            return
        for number, row in enumerate(self._rows, start=1):
            of = f" ({number} of {len(self._rows)})" if len(self._rows) > 1 else ""
            yield self._card(f"{self._title}{of}", row)

    def _table(self) -> Table:
        table = Table(title=self._title, title_justify="left", title_style="bold", pad_edge=False)
        for heading in self._headings:
            # a number that loses its last digits is a wrong number: it goes on in the next line
            table.add_column(heading, overflow="fold")
        for row in self._rows:
            table.add_row(*row)
        return table

    def _card(self, title: str, row: Sequence[str]) -> Table:
        card = Table(title=title, title_justify="left", title_style="bold", show_header=False)
        for heading, cell in zip(self._headings, row, strict=True):
            if cell:
                card.add_row(heading, cell)
        return card

    def _needed(self) -> int:
        """Return the width at which no word is broken."""
        columns = zip(self._headings, *self._rows, strict=True)
        return sum(max(_longest(cell) for cell in cells) + EDGES for cells in columns)


def _longest(cell: str) -> int:
    return max((len(word) for word in Text.from_markup(cell).plain.split()), default=0)
