"""The failure catalogue: each of the 72 rows has a test by name, each invariant a monitor or suite.

"row:NAME" is a world of bot/lab/simulation/rows.py; everything else is FILE::TEST under tests/.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

from bot.lab.simulation.rows import ROWS

TESTS = Path(__file__).resolve().parents[1]
STREAM = "venue/adapter/test_user_stream.py"
COVERAGE = "unit/runtime/test_coverage.py"
SURROUNDINGS = "unit/runtime/test_surroundings.py"
ORDERS = "unit/telegram/test_orders.py"

CATALOGUE: dict[int, tuple[str, ...]] = {
    # orders and stops
    1: ("row:lost_answers", "row:wishes_without_an_answer"),
    2: ("row:late_accepts", "row:wishes_that_arrive_late", "unit/kernel/test_lost_orders.py::"
        "test_a_lost_order_is_asked_for_once_more_when_the_answer_is_final"),
    3: ("row:lost_answers", "property/kernel/test_found_faults.py::"
        "test_a_duplicate_id_means_the_order_exists"),
    4: ("row:lost_requests", "row:wishes_that_never_arrive"),
    5: ("row:a_gap_in_flight",
        f"{COVERAGE}::test_a_stop_that_would_trigger_at_once_closes_the_position"),
    6: ("row:stops_refused_for_a_moment", "row:refused_stops",),
    7: ("row:stops_that_never_arrive", "row:stops_without_an_answer", "row:a_kernel_without_stops"),
    8: ("row:a_forgotten_stop", "row:a_kernel_asleep", "row:a_vanished_stop",
        "row:stops_that_vanish_again_and_again"),
    9: ("row:a_stop_that_hangs_unseen", "row:a_stop_that_hangs",
        "row:a_hanging_stop_and_reserved_quantities"),
    10: ("row:a_stop_rejected_after_its_trigger",),
    11: ("simulation/test_catalogue.py::test_stops_are_market_orders_by_the_mark",),
    12: ("row:a_lost_budget_while_orders_are_refused", "row:a_gap_far_through_the_stop",
        "row:a_fall_through_the_budget",
         "row:a_budget_that_stays_lost"),
    13: ("row:a_kill_between_new_and_old_stop",),
    14: ("row:lost_cancels", "row:a_close_while_cancels_are_lost"),
    15: ("row:a_position_of_seconds", "row:a_close_by_hand",),
    16: ("row:a_hanging_stop_whose_quantity_is_reserved", "row:reserved_quantities",
        f"{COVERAGE}::test_in_hedge_mode_targets_make_room_too"),
    17: ("row:a_position_turned_round",),
    18: ("row:fills_in_parts",),
    19: ("unit/kernel/test_cuts.py::test_dust_is_closed_by_a_stop_that_takes_all",),
    20: ("row:fills_alone_tell", "row:news_told_twice_and_out_of_order",
        "row:wishes_told_twice_and_out_of_order"),
    21: ("row:a_cancel_that_meets_a_fill",),
    22: ("row:orders_that_are_not_listed", "row:orders_that_are_not_found"),
    23: ("row:stops_that_moved_elsewhere",),
    24: ("simulation/test_catalogue.py::test_the_same_trade_id_on_two_symbols_is_two_fills",),
    25: ("property/venue/test_junk.py::test_a_broken_row_is_read_or_refused",),
    26: ("row:ordered_ends_while_intents_wait", "row:an_ordered_end", "row:wishes_and_ordered_ends",
         "unit/runtime/test_supervisor.py::test_stopping_is_quick_even_with_a_hanging_venue"),
    27: ("row:a_stop_that_was_noted_and_not_kept", "row:kills_at_every_border",
        "row:wishes_and_kills",
         "process/test_kills.py::test_five_hundred_deaths_lose_nothing_and_double_nothing"),
    # positions and account
    28: ("row:a_trade_while_it_is_down", "row:a_close_while_it_is_down_and_fills_are_not_read",
        "row:a_close_by_hand", "row:a_part_closed_by_hand"),
    29: ("row:fills_in_parts", "row:a_position_turned_round"),
    30: ("row:auto_deleveraging",),
    31: ("unit/kernel/test_absence.py::"
         "test_our_own_liquidation_is_counted_told_and_leaves_nothing_open",),
    32: ("row:many_restarts",),
    33: ("row:an_empty_account", "unit/kernel/test_absence.py::"
         "test_a_position_that_two_readings_lacked_is_believed_when_it_is_shown_again"),
    34: ("row:a_stale_account",),
    35: ("row:another_position_mode",),
    36: ("row:another_leverage",),
    37: ("row:tiers_cut",),
    38: ("row:a_coarser_tick",),
    39: ("row:a_symbol_that_is_gone",),
    40: ("row:another_funding",),
    41: ("row:money_in_and_out",),
    42: ("row:a_quantity_over_the_cap", "row:orders_refused_for_margin",
        "row:a_flatten_that_is_refused"),
    43: ("row:a_foreign_stop_of_the_other_side", "row:a_foreign_order",
         "unit/app/test_account_lock.py::test_a_killed_driver_leaves_the_account_free"),
    # network and venue
    44: ("row:a_ban",
         "unit/runtime/test_executor.py::test_a_ban_is_told_at_once_and_nothing_is_sent_during_it"),
    45: (f"{STREAM}::test_the_socket_is_left_before_the_venue_drops_it",),
    46: ("row:wishes_on_old_prices_and_no_rules", "row:silent_streams", "row:wishes_on_old_prices",
         f"{STREAM}::test_an_acknowledged_order_the_stream_never_tells_of_proves_it_dead"),
    47: (f"{STREAM}::test_the_key_is_renewed_again_and_again",
         f"{STREAM}::test_a_key_the_venue_forgot_is_replaced_at_once"),
    48: ("row:fills_while_the_stream_is_down", "row:wishes_and_lost_streams",
         "row:wishes_in_doubt",
         "unit/kernel/test_stops.py::test_a_reconnected_account_stream_asks_for_missed_executions"),
    49: ("unit/venue/test_quiet.py::test_patience_grows_to_its_cap_and_replays_alike",),
    50: ("row:no_way_to_the_venue",),
    51: ("row:wishes_behind_lost_cancels", "row:a_slow_wire", "row:a_black_hole"),
    52: ("row:an_outage",),
    53: ("row:a_wrong_clock",),
    54: ("row:an_invalid_key",),
    55: ("property/venue/test_junk.py::test_any_json_on_a_public_socket",
         f"{STREAM}::test_a_huge_private_message_costs_the_connection_and_no_more"),
    56: ("unit/venue/streams/test_reader.py::"
         "test_a_time_to_come_cannot_make_a_dead_stream_look_fresh",),
    # process, host, storage
    57: ("row:a_locked_journal", "row:wishes_on_a_slow_disk"),
    58: (
        "row:a_full_disk", "row:a_disk_that_fills_within_a_commit", "row:wishes_on_a_full_disk",
    ),
    59: ("process/test_power.py::"
         "test_logs_of_a_thousand_commits_cut_anywhere_hold_all_that_was_acknowledged",),
    60: ("unit/journal/test_opening.py::test_damage_found_by_the_check_at_opening_is_told",),
    61: ("unit/journal/test_opening.py::"
         "test_a_second_connection_is_refused_while_the_first_lives",),
    62: ("simulation/test_promises.py::test_many_lives_leave_no_memory_behind",),
    63: ("row:a_loop_that_stands_still", f"{SURROUNDINGS}::"
         "test_the_watchdog_is_fed_by_passes_alone_and_not_by_a_stuck_loop"),
    64: (f"{SURROUNDINGS}::test_the_scheduler_runs_jobs_and_failures_are_logged",),
    65: ("unit/runtime/test_supervisor.py::"
         "test_the_death_of_pump_or_coverage_ends_the_process",),
    66: ("simulation/test_catalogue.py::test_systemd_never_gives_up_on_the_service",),
    # humans and security
    67: ("row:messages_that_hang",
         "unit/telegram/test_outages.py::test_a_flood_limit_is_waited_out_and_nothing_is_lost"),
    68: (f"{ORDERS}::test_repeated_updates_do_nothing_also_after_a_restart",),
    69: (f"{ORDERS}::test_nobody_else_gets_anything_and_the_operator_hears_of_it",),
    70: (f"{ORDERS}::test_raising_risk_needs_the_button_and_the_button_works_once",
         "row:a_command_said_twice", "row:wishes_while_paused"),
    71: ("unit/app/test_logs.py::test_no_road_leaks_the_secret",),
    72: ("unit/app/test_settings.py::test_any_bytes_are_settings_or_config_invalid",),
}  # fmt: skip

MONITORS = TESTS.parent / "bot/lab/simulation/monitors"
INVARIANTS: dict[int, str] = {
    1: "cover.py", 2: "cover.py", 3: "sends.py", 4: "truth.py", 5: "sends.py", 6: "sends.py",
    7: "heat.py", 8: "truth.py", 9: "sends.py", 10: "sends.py",
    11: "row:a_full_disk", 12: "replay.py", 13: "ends.py",
    14: "truth.py", 15: "starts.py", 16: "belief.py", 17: "belief.py",
    18: "heard.py", 19: "sends.py", 20: "sends.py", 21: "shell.py", 22: "outside.py",
    23: "sends.py", 24: "sends.py", 25: "belief.py", 26: "belief.py",
    27: "belief.py", 28: "process/test_canaries.py", 29: "cover.py",
    30: "shell.py", 31: "sends.py", 32: "truth.py", 33: "simulation/test_determinism.py",
    34: "shell.py",
}  # fmt: skip
"""invariant -> the monitor that watches it in every run, or the suite that proves it."""


@cache
def names_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text())
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_the_catalogue_is_whole() -> None:
    assert sorted(CATALOGUE) == list(range(1, 73))
    assert sorted(INVARIANTS) == list(range(1, 35))


@pytest.mark.parametrize("row", CATALOGUE, ids=[f"row{number}" for number in CATALOGUE])
def test_a_row_has_its_test(row: int) -> None:
    assert CATALOGUE[row]
    for named in CATALOGUE[row]:
        if named.startswith("row:"):
            assert named[4:] in ROWS, named
            continue
        file, _, test = named.partition("::")
        assert (TESTS / file).is_file(), named
        assert test in names_in(TESTS / file), named


@pytest.mark.parametrize("number", INVARIANTS)
def test_an_invariant_has_its_watcher(number: int) -> None:
    watcher = INVARIANTS[number]
    if watcher.startswith("row:"):
        assert watcher[4:] in ROWS
    elif "/" in watcher:
        assert (TESTS / watcher).exists()
    else:
        assert (MONITORS / watcher).is_file()


def test_every_world_is_a_row_of_the_catalogue() -> None:
    named = {name[4:] for names in CATALOGUE.values() for name in names if name[:4] == "row:"}
    named |= {name[4:] for name in INVARIANTS.values() if name[:4] == "row:"}
    assert set(ROWS) - named == {"stops_cancelled_by_hand"}


def test_stops_are_market_orders_by_the_mark() -> None:
    """A limit behind a trigger may never fill: the house knows no such order."""
    from bot.domain.orders import OrderKind, TriggerBy
    from bot.kernel.plan import stop_draft
    from bot.kernel.snapshot import Leg
    from bot.runtime.rescue import stop_draft as rescue_draft
    from tests.fakes.kernel_world import BTC, PositionSide, position

    assert {kind for kind in OrderKind if "STOP" in kind.value} == {OrderKind.STOP_MARKET}
    held = position(PositionSide.LONG, "0.05", "76000", ns=1)
    leg = Leg(symbol=BTC, side=PositionSide.LONG, qty=held.qty)
    for draft in (
        stop_draft(leg, held.entry_price, "x"),
        rescue_draft(held, held.qty, held.entry_price, "x"),
    ):
        assert draft.kind is OrderKind.STOP_MARKET
        assert draft.trigger_by is TriggerBy.MARK
        assert draft.reduce_only


def test_the_same_trade_id_on_two_symbols_is_two_fills() -> None:
    from decimal import Decimal

    from bot.domain.messages import Fill
    from bot.domain.orders import OrderSide
    from bot.kernel.snapshot import BotState
    from bot.kernel.track import is_new_fill

    def fill(symbol: str) -> Fill:
        one = Decimal(1)
        return Fill(
            symbol=symbol, trade_id="7", client_order_id="x", venue_order_id="y",
            side=OrderSide.BUY, position_side=None, qty=one, price=one, fee_usd=one,
            realized_pnl_usd=one, is_maker=False, event_ns=1, received_ns=1,
        )  # fmt: skip

    state = BotState()
    assert is_new_fill(state, fill("BTC/USDT:USDT"))
    assert is_new_fill(state, fill("ETH/USDT:USDT"))
    assert not is_new_fill(state, fill("BTC/USDT:USDT"))


def test_systemd_never_gives_up_on_the_service() -> None:
    unit = (TESTS.parent / "deploy/breakwater.service").read_text()
    assert "StartLimitIntervalSec=0" in unit
    assert "Restart=" in unit
