"""Tables for people: every answer can be shown, known or unknown, and says the dangerous loudly."""

import io

import msgspec
import pytest
from rich.console import Console

from bot.answers.ask import ask
from bot.answers.question import Question
from bot.app.cli import pages
from bot.app.cli.commands import config, db, doctor, ledger
from bot.app.cli.grid import grid, moment, money, percent, price, seconds, signed, text, yes
from bot.app.cli.live_page import LivePage, sparkline
from bot.domain.orders import OrderStatus, PositionSide, Purpose
from bot.domain.policy import Policy
from bot.kernel.snapshot import BotState
from tests.fakes.kernel_world import World, orders_of, position

PAGES = ["status", "positions", "risk", "orders", "trades", "levels"]


def shown(page, document) -> str:
    out = io.StringIO()
    page(document, Console(file=out, width=200, color_system=None))
    return out.getvalue()


def plain(answer) -> dict:
    return msgspec.json.decode(msgspec.json.encode(answer))


@pytest.fixture
def held() -> World:
    world = World()
    world.account()
    ns = world.later(1.0)
    leg = position(PositionSide.LONG, "0.1", "76000", ns=ns, margin="2000")
    effects = world.account(positions=[leg])
    world.accept_all(effects)
    assert orders_of(effects, Purpose.STOP)
    return world


def answered(world: World, name: str) -> dict:
    return plain(ask(name, Question(state=world.kernel.state, policy=world.kernel.policy)))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_shown_before_anything_is_known(name):
    document = plain(ask(name, Question(state=BotState(), policy=Policy())))
    assert shown(getattr(pages, name), document).strip()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_shown_with_a_position(held, name):
    assert "nan" not in shown(getattr(pages, name), answered(held, name)).lower()


def test_a_position_without_a_stop_is_named_on_the_status_page(held):
    for order in held.kernel.state.orders.values():
        order.status = OrderStatus.CANCELLED
    assert "BTC/USDT:USDT LONG" in shown(pages.status, answered(held, "status"))
    assert "NO" in shown(pages.positions, answered(held, "positions"))


def test_a_latch_is_told_with_its_way_out(held):
    held.kernel.state.latched = True
    held.kernel.state.latch_reason = "floor stop hit"
    told = shown(pages.status, answered(held, "status"))
    assert "LATCHED" in told
    assert "breakwater rearm" in told


def test_what_happens_next_is_told_with_prices(held):
    for order in held.kernel.state.orders.values():
        order.status = OrderStatus.WORKING
    told = shown(pages.risk, answered(held, "risk"))
    assert "our stop closes the leg" in told
    assert "liquidation by our arithmetic" in told


def test_why_and_answers_keep_brackets_of_the_venue():
    line = {"at": "2026-02-01T22:00:00.123Z", "symbol": "", "what": "[b]x[/b]", "why": "[y]"}
    assert "[b]x[/b]: [y]" in shown(pages.why, {"chain": [line]})
    assert "[no]" in shown(pages.answer, {"text": "[no]"})


def test_the_other_pages_can_be_shown(held):
    checks = [{"name": "a", "ok": ok, "found": "[f]", "remedy": "r"} for ok in (True, False, None)]
    told = shown(doctor._render, {"healthy": False, "checks": checks})
    assert "NOT healthy" in told
    assert told.count("[f]") == 3
    assert shown(db._render, {"ok": True, "problems": []})
    document = {
        "folder": "c", "hash": "h", "mode": "paper", "profile": "L20", "symbols": ["x"],
        "levels": 1, "strategies": [],
    }  # fmt: skip
    assert "valid" in shown(config._render_check, document)
    effective = {"hash": "h", "budget": {"in_words": "the price"}, "a": {"b": [1]}}
    told = shown(config._render_effective, effective)
    assert "a.b" in told
    assert "the price" in told
    seen = {name: answered(held, name) for name in ("status", "positions")} | {"why": {"chain": []}}
    for width, height in ((40, 10), (80, 24), (200, 60)):
        console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True)
        page = LivePage()
        for _ in range(3):
            told = page.draw(seen, console).plain
        assert len(told.splitlines()) < height
        assert max(map(len, told.splitlines())) <= width
        assert "BTC" in told


def test_several_positions_fit_the_live_page_of_a_small_terminal(held):
    seen = {name: answered(held, name) for name in ("status", "positions")} | {"why": {"chain": []}}
    (leg,) = seen["positions"]["positions"]
    bare = {**leg, "symbol": "ETH/USDT:USDT", "protected": False}
    seen["positions"]["positions"] = [leg, bare, {**leg, "symbol": "SOL/USDT:USDT"}]
    console = Console(file=io.StringIO(), width=80, height=24, force_terminal=True)
    told = LivePage().draw(seen, console).plain.splitlines()
    assert len(told) < 24
    for name in ("BTC LONG", "ETH LONG", "SOL LONG"):
        assert any(line.startswith(f"{name} 0.1 at 76,000") for line in told)
    assert sum("NO FULL STOP" in line for line in told) == 1
    assert sum("liquidation 26.02% away" in line for line in told) == 3


def test_a_sparkline_has_one_block_a_value_from_low_to_high():
    assert sparkline([]) == ""
    assert sparkline([5.0, 5.0]) == sparkline([9.0, 9.0])
    told = sparkline([1.0, 2.0, 3.0, 2.0])
    assert len(told) == 4
    assert told[0] == min(told)
    assert told[2] == max(told)


@pytest.mark.parametrize(
    ("say", "value", "told"),
    [
        (text, None, "?"), (money, None, "?"), (money, 1234.5, "1,234.50"), (signed, None, "?"),
        (signed, 0.0, "+0.00"), (price, None, "-"), (price, "76000.10", "76,000.1"),
        (percent, None, "?"), (percent, 0.0123, "1.23%"), (seconds, None, "never"),
        (seconds, 1.26, "1.3 s"), (moment, None, "-"), (yes, None, "?"),
        (moment, "2026-02-01T22:00:00.123Z", "2026-02-01 22:00:00"),
    ],
)  # fmt: skip
def test_numbers_are_told_as_people_read_them(say, value, told):
    assert say(value) == told


@pytest.mark.parametrize("width", [60, 80, 118])
def test_no_digit_is_lost_on_a_narrow_terminal(held, width):
    """A few rows too wide for their words are told one by one, each number on one line."""
    out = io.StringIO()
    document = answered(held, "positions")
    pages.positions(document, Console(file=out, width=width, color_system=None))
    told = out.getvalue()
    assert "\u2026" not in told
    (leg,) = document["positions"]
    cells = {cell.strip() for line in told.splitlines() for cell in line.split("\u2502")}
    assert {price(leg["entry_price"]), price(leg["stop_price"]), "BTC LONG"} <= cells


def test_many_rows_stay_a_table_whose_cells_go_on_in_the_next_line():
    out = io.StringIO()
    rows = [{"a": f"{number}1234567890", "b": "word " * 9} for number in range(10)]
    table = grid("many", rows, [("a", "first", text), ("b", "second", text)])
    Console(file=out, width=16, color_system=None).print(table)
    lines = [line.split("\u2502")[1:-1] for line in out.getvalue().splitlines() if "\u2502" in line]
    first = "".join(cells[0].strip() for cells in lines)
    assert all(row["a"] in first for row in rows)
    assert "(1 of" not in out.getvalue()


def test_a_table_without_rows_says_none():
    out = io.StringIO()
    Console(file=out, width=80, color_system=None).print(grid("trades", [], [("a", "a", text)]))
    assert out.getvalue().strip() == "trades: none"


def test_the_ledger_sums_each_kind_and_prints_rows_as_the_venue_booked_them(capsys):
    rows = [
        {"event_ns": 10**18, "kind": kind, "symbol": "", "amount": amount, "asset": "USDT",
         "info": "x", "income_id": number}
        for number, (kind, amount) in enumerate(
            [("FUNDING_FEE", "-0.10"), ("FUNDING_FEE", "0.30"), ("TRANSFER", "100")]
        )
    ]  # fmt: skip
    assert ledger.sums(rows) == {"FUNDING_FEE USDT": "0.20", "TRANSFER USDT": "100"}
    ledger.print_csv([{**rows[0], "at": "2001-09-09T01:46:40Z"}])
    head, line = capsys.readouterr().out.splitlines()
    assert head == "at,kind,symbol,amount,asset,info,income_id"
    assert line == "2001-09-09T01:46:40Z,FUNDING_FEE,,-0.10,USDT,x,0"


def test_a_position_that_no_price_liquidates_is_not_called_unknown(held):
    world = World()
    world.account()
    small = position(PositionSide.LONG, "0.001", "76000", ns=world.later(1.0), margin="2000")
    world.account(positions=[small])
    (leg,) = answered(world, "positions")["positions"]
    assert leg["liq_exists"] is False
    assert "none" in shown(pages.positions, answered(world, "positions"))
    (large,) = answered(held, "positions")["positions"]
    assert large["liq_exists"] is True
