"""Rows of the failure catalogue as short worlds: each fault at its worst, to a held position."""

import msgspec

from bot.lab.simulation.faults import Fault

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
HOURS = 0.15
END_S = HOURS * 3_600.0


def at(
    at_s: float,
    kind: str,
    *,
    for_s: float = 0.0,
    chance: float = 1.0,
    size: float = 0.0,
    symbol: str = BTC,
    how: str = "",
) -> Fault:
    """Return a fault at an instant, about BTC unless said otherwise."""
    serial = round(at_s * 10)
    return Fault(
        kind=kind, at_s=at_s, for_s=for_s, chance=chance, size=size, symbol=symbol, how=how,
        serial=serial,
    )  # fmt: skip


def during(
    kind: str, *, chance: float = 1.0, size: float = 0.0, symbol: str = "", how: str = ""
) -> Fault:
    """Return a window from before the position until a minute before the end."""
    for_s = END_S - 90.0
    return at(30.0, kind, for_s=for_s, chance=chance, size=size, symbol=symbol, how=how)


BOUGHT = at(60.0, "hand_open", size=1.0, how="buy")
SOLD = at(300.0, "hand_open", size=2.5, how="sell")
CLOSED = at(400.0, "hand_close", size=1.0)
MORE = tuple(at(150.0 + k, "hand_open", size=0.4, how="buy") for k in range(3))
BIG = at(60.0, "hand_open", size=5.0, how="buy")
"""So large that the loss budget puts its stop within a sixth of the price."""
THROUGH = at(200.0, "through_the_stop", size=0.002, how="far")
STUCK = at(100.0, "stuck_triggering", for_s=200.0)
MUTED = at(0.0, "mute_kernel", for_s=END_S, symbol="", how="all")
EAGER = at(0.0, "eager", symbol="")
"""Every bar of both symbols brings a wish to open something."""
FALL = (
    BIG, at(62.0, "hand_open", symbol=ETH, size=0.5, how="buy"),
    at(200.0, "through_the_stop", size=0.15, how="far"),
)  # fmt: skip
"""So far through the stop that the loss budget is used up, with something else still held."""
FLATTEN = at(250.0, "command", how="flatten")

ROWS: dict[str, tuple[tuple[Fault, ...], str]] = {
    "lost_answers": ((BOUGHT, *MORE, during("lose_answer", chance=0.3)), "lose_answer"),
    "late_accepts": ((BOUGHT, *MORE, during("late_accept", chance=0.5, size=60.0)), "late_accept"),
    "lost_requests": ((BOUGHT, *MORE, during("lose_request", chance=0.3)), "lose_request"),
    "a_gap_in_flight": (
        (during("gap_in_flight", chance=1.0, size=0.01, how="far"), BIG), "refused-2021",
    ),
    "refused_stops": ((during("refuse_stops"), BOUGHT), "refuse_stops"),
    "stops_without_an_answer": (
        (during("lose_request", chance=0.5, how="submit"), BOUGHT), "lose_request",
    ),
    "a_vanished_stop": ((BOUGHT, at(120.0, "vanish")), "stop_vanished"),
    "a_stop_that_hangs": ((BIG, STUCK, THROUGH), "order_WORKING_TRIGGERING"),
    "a_stop_rejected_after_its_trigger": (
        (BIG, STUCK, THROUGH, at(200.5, "reject_triggered")), "rejected_after_trigger",
    ),
    "a_gap_far_through_the_stop": (
        (BIG, at(200.0, "through_the_stop", size=0.05, how="far")),
        "order_WORKING_TRIGGERING",
    ),
    "a_kill_between_new_and_old_stop": (
        (BOUGHT, at(149.0, "kill", size=1.0, how="submit_after"), *MORE), "kill_submit_after",
    ),
    "lost_cancels": (
        (during("lose_request", chance=1.0, how="cancel"), BOUGHT, *MORE), "lose_request",
    ),
    "a_close_by_hand": ((BOUGHT, CLOSED), "hand_close"),
    "a_part_closed_by_hand": ((BOUGHT, at(200.0, "hand_close", size=0.5)), "hand_part"),
    "reserved_quantities": ((during("reserved"), BOUGHT, FLATTEN), "reserved_asked"),
    "a_position_turned_round": ((BOUGHT, SOLD), "hand_open"),
    "fills_in_parts": ((BOUGHT, *MORE), "hand_open"),
    "news_told_twice_and_out_of_order": (
        (during("user_twice"), during("user_shuffled", size=2.0), BOUGHT, *MORE), "user_twice",
    ),
    "a_cancel_that_meets_a_fill": ((BIG, THROUGH, CLOSED), "order_WORKING_TRIGGERING"),
    "orders_that_are_not_listed": ((BOUGHT, during("hidden_orders", chance=0.5)), "hidden_orders"),
    "orders_that_are_not_found": (
        (BOUGHT, *MORE, during("hidden_order", chance=0.5)), "command_flatten_or_none",
    ),
    "stops_that_moved_elsewhere": ((during("api_moved"), BOUGHT), "refused-4120"),
    "an_ordered_end": ((BOUGHT, at(200.0, "stop", size=1.0)), "ordered_stop"),
    "kills_at_every_border": (
        (BOUGHT, *(
            at(100.0 + 40.0 * k, "kill", size=0.5, how=how)
            for k, how in enumerate(("append_before", "append_after", "snapshot_before",
                                     "snapshot_after", "account_after", "any"))
        )),
        "kill_append_before",
    ),
    "stops_cancelled_by_hand": ((BOUGHT, at(120.0, "hand_cancels")), "hand_cancel"),
    "a_foreign_order": ((BOUGHT, at(90.0, "hand_limit"), FLATTEN), "foreign_order"),
    "auto_deleveraging": ((BOUGHT, at(200.0, "adl", size=0.5)), "adl"),
    "many_restarts": (
        (BOUGHT, *(at(80.0 + 20.0 * k, "kill", size=0.5) for k in range(20))), "many_kills",
    ),
    "an_empty_account": ((BOUGHT, during("empty_account", chance=0.2)), "empty_account"),
    "a_stale_account": ((BOUGHT, *MORE, during("stale_account", size=5.0)), "stale_account"),
    "another_position_mode": (
        (at(60.0, "hedge_mode", how="hedge"), at(120.0, "hedge_mode", how="one-way")),
        "position_mode_changed",
    ),
    "another_leverage": ((BOUGHT, at(120.0, "set_leverage", size=30.0)), "leverage_changed"),
    "tiers_cut": ((BOUGHT, at(120.0, "contract_changed", how="tiers"), *MORE), "contract_changed"),
    "a_coarser_tick": (
        (at(40.0, "contract_changed", how="coarser"), BOUGHT, *MORE), "contract_read_again",
    ),
    "a_symbol_that_is_gone": ((BOUGHT, during("bad_symbol", symbol=ETH)), "bad_symbol_on"),
    "another_funding": ((BOUGHT, at(120.0, "funding_jump", size=0.02)), "funding_jump"),
    "money_in_and_out": (
        (BOUGHT, at(120.0, "transfer", size=1_500.0), at(200.0, "transfer", size=-900.0)),
        "transfer",
    ),
    "orders_refused_for_margin": ((during("refuse_orders", chance=0.5), BOUGHT, FLATTEN),
                                  "refuse_orders"),
    "a_ban": ((BOUGHT, at(100.0, "ban", for_s=120.0)), "ban"),
    "silent_streams": (
        (BOUGHT, at(90.0, "market_silent", for_s=60.0), at(140.0, "user_silent", for_s=30.0),
         *MORE), "user_missed",
    ),
    "fills_while_the_stream_is_down": ((BOUGHT, at(145.0, "user_down", for_s=30.0), *MORE),
                                       "user_missed"),
    "no_way_to_the_venue": ((BOUGHT, during("no_route", chance=0.5), *MORE), "no_route"),
    "a_slow_wire": ((during("slow", chance=0.6, size=8.0), BOUGHT, *MORE), "slow"),
    "an_outage": ((BOUGHT, at(100.0, "outage", for_s=90.0, how="503")), "outage"),
    "a_black_hole": ((BOUGHT, at(100.0, "outage", for_s=90.0, how="black_hole")), "outage"),
    "a_wrong_clock": (
        (BOUGHT, at(100.0, "clock_step", size=-10.0), at(250.0, "clock_step", size=10.0)),
        "clock_step",
    ),
    "an_invalid_key": ((BOUGHT, at(100.0, "key_invalid", for_s=60.0)), "key_invalid"),
    "a_locked_journal": ((during("db_locked"), BOUGHT, *MORE), "db_locked"),
    "a_disk_that_fills_within_a_commit": (
        (during("disk_fills"), EAGER, BOUGHT, *MORE, FLATTEN), "disk_fills_append",
    ),
    "a_full_disk": ((during("disk_full"), BOUGHT, *MORE, FLATTEN), "disk_full"),
    "a_loop_that_stands_still": ((BOUGHT, at(120.0, "block", size=6.0), *MORE), "loop_blocked"),
    "messages_that_hang": ((during("telegram_hangs"), BOUGHT, *MORE, FLATTEN), "telegram_hangs"),
    "a_kernel_without_stops": (
        (during("mute_kernel"), BOUGHT, *MORE, at(200.0, "vanish")), "stop_vanished",
    ),
    "wishes_while_paused": (
        (EAGER, at(100.0, "command", how="pause"), at(400.0, "command", how="resume")),
        "command_pause",
    ),
    "wishes_on_old_prices": (
        (EAGER, *(at(60.0 * k + 35.0, "market_silent", for_s=40.0, symbol="") for k in range(8))),
        "price_silent",
    ),
    "wishes_in_doubt": (
        (EAGER, *(at(60.0 * k + 40.0, "user_down", for_s=30.0, symbol="") for k in range(8))),
        "mode_ACTIVE_REDUCING",
    ),
    "wishes_without_an_answer": (
        (EAGER, during("lose_answer", how="submit", chance=0.6)), "lose_answer",
    ),
    "wishes_that_never_arrive": (
        (EAGER, during("lose_request", how="submit", chance=0.6)), "lose_request",
    ),
    "wishes_that_arrive_late": (
        (EAGER, during("late_accept", chance=0.7, size=120.0)), "late_accept",
    ),
    "wishes_on_a_slow_disk": ((EAGER, during("slow_disk", size=12.0)), "slow_disk"),
    "wishes_on_a_full_disk": ((EAGER, during("disk_full", chance=0.7)), "disk_full"),
    "wishes_and_kills": (
        (EAGER, *(at(90.0 + 60.0 * k, "kill", size=0.5, how=how) for k, how in enumerate(
            ("intent_after", "submit_before", "submit_after", "", "append_before", "any")))),
        "many_kills",
    ),
    "wishes_and_ordered_ends": (
        (EAGER, *(at(119.0 + 60.0 * k, "stop", size=1.0) for k in range(5))), "ordered_stop",
    ),
    "wishes_told_twice_and_out_of_order": (
        (EAGER, during("user_twice"), during("user_shuffled", size=1.0)), "user_twice",
    ),
    "wishes_and_lost_streams": (
        (EAGER, *(at(58.0 + 60.0 * k, "user_silent", for_s=20.0, symbol="") for k in range(7))),
        "user_missed",
    ),
    "a_fall_through_the_budget": (FALL, "order_WORKING_TRIGGERING"),
    "a_budget_that_stays_lost": (
        (*FALL, at(260.0, "kill", size=0.5), EAGER, at(320.0, "stop", size=1.0)), "ordered_stop",
    ),
    "a_close_while_cancels_are_lost": (
        (BOUGHT, at(190.0, "lose_request", for_s=60.0, symbol="", how="cancel"),
         at(200.0, "hand_close", size=1.0)),
        "lose_request",
    ),
    "a_flatten_that_is_refused": (
        (BOUGHT, at(240.0, "refuse_orders", for_s=30.0, symbol=""), FLATTEN,
         at(330.0, "command", how="flatten")),
        "refuse_orders",
    ),
    "a_hanging_stop_and_reserved_quantities": (
        (EAGER, BIG, STUCK, during("reserved"), THROUGH), "order_WORKING_TRIGGERING",
    ),
    "stops_that_vanish_again_and_again": (
        (EAGER, BOUGHT, *(at(100.0 + 60.0 * k, "vanish") for k in range(7)),
         *(at(101.0 + 60.0 * k, "vanish", symbol=ETH) for k in range(7))),
        "stop_vanished",
    ),
    "a_forgotten_stop": ((BOUGHT, at(120.0, "vanish", how="forgotten")), "stop_vanished"),
    "a_stop_that_hangs_unseen": (
        (BIG, STUCK, during("hidden_triggering"), THROUGH), "hidden_triggering",
    ),
    "a_kernel_asleep": (
        (BOUGHT, at(100.0, "mute_kernel", for_s=50.0, symbol="", how="asleep"),
         at(120.0, "vanish")),
        "stop_vanished",
    ),
    "stops_that_never_arrive": ((during("lose_stops"), BOUGHT), "lose_stops"),
    "a_foreign_stop_of_the_other_side": (
        (at(50.0, "hand_stop", size=0.03, how="buy"), BOUGHT, at(200.0, "vanish")),
        "foreign_stop",
    ),
    "ordered_ends_while_intents_wait": (
        (EAGER, during("slow_disk", size=1.9),
         *(at(60.0 * k + 1.1 + 0.15 * k, "stop", size=1.0) for k in range(2, 9))),
        "ordered_stop",
    ),
    "a_quantity_over_the_cap": (
        (at(0.0, "capped", symbol="", size=14_000.0),
         at(60.0, "hand_open", size=10.0, how="buy"), at(100.0, "transfer", size=10_000.0)),
        "transfer",
    ),
    "wishes_on_old_prices_and_no_rules": (
        (EAGER, at(0.0, "unruled", symbol=""),
         *(at(60.0 * k + 35.0, "market_silent", for_s=40.0, symbol="") for k in range(8))),
        "price_silent",
    ),
    "a_hanging_stop_whose_quantity_is_reserved": (
        (EAGER, STUCK, at(100.0, "reserved", for_s=200.0),
         at(190.0, "mute_kernel", for_s=110.0, symbol="", how="all"),
         at(200.0, "through_the_stop", size=0.002)),
        "reserved_asked",
    ),
    "wishes_behind_lost_cancels": (
        (EAGER,
         *(at(60.0 * k + 52.0, "lose_request", for_s=10.0, symbol="", how="cancel")
           for k in range(2, 8)),
         *(at(60.0 * k + 56.5 + 0.2 * k, "hand_close", size=1.0, symbol=symbol)
           for k in range(2, 8) for symbol in (BTC, ETH))),
        "lose_request",
    ),
    "a_stop_that_was_noted_and_not_kept": (
        (at(60.02, "kill", size=1.5, how="snapshot_before"), BOUGHT, at(61.2, "vanish")),
        "kill_snapshot_before",
    ),
    "a_lost_budget_while_orders_are_refused": (
        (*FALL, at(195.0, "refuse_orders", for_s=20.0, symbol="")), "refuse_orders",
    ),
    "fills_alone_tell": (
        (BOUGHT, at(100.0, "user_fills_only", for_s=100.0, symbol=""),
         at(100.0, "user_twice", for_s=100.0, symbol=""),
         at(100.0, "lose_request", for_s=100.0, symbol="", how="account"),
         at(120.0, "hand_close", size=0.5)),
        "user_fills_only",
    ),
    "a_trade_while_it_is_down": (
        (BOUGHT, at(100.0, "kill", size=6.0), at(101.0, "hand_close", size=0.5)), "hand_part",
    ),
    "a_close_while_it_is_down_and_fills_are_not_read": (
        (BOUGHT, at(90.0, "lose_request", for_s=60.0, symbol="", how="fills"),
         at(100.0, "kill", size=6.0), at(101.0, "hand_close", size=1.0)),
        "hand_close",
    ),
    "a_position_of_seconds": (
        (at(160.0, "hand_open", size=1.0, how="buy"), at(162.2, "hand_close", size=1.0)),
        "hand_close",
    ),
    "stops_refused_for_a_moment": (
        (at(50.0, "refuse_stops", for_s=12.0), BOUGHT), "refuse_stops",
    ),
    "a_command_said_twice": (
        (BOUGHT, at(200.0, "command", how="reduce", size=1.0)), "command_twice",
    ),
}  # fmt: skip
"""name -> the faults, and the mark or count that proves that they struck."""
MUTE_COVERAGE = at(0.0, "mute_coverage", for_s=END_S, symbol="")
WITHOUT = {"": (), "kernel": (MUTED,), "coverage": (MUTE_COVERAGE,)}
"""Who must do without whom: the other one's orders never leave."""
NO_MARK = {"command_flatten_or_none", "reserved_asked", "bad_symbol_on", "many_kills"}
"""Rows in which the fault may find nothing to strike, or that prove themselves otherwise."""


def faults_of(name: str, *, without: str = "") -> list[Fault]:
    """Return the faults of a row, numbered; `without` "kernel" or "coverage" (WITHOUT).

    Raises:
        KeyError: no such row.
    """
    given = [*ROWS[name][0], *WITHOUT[without]]
    return [
        msgspec.structs.replace(fault, serial=number) for number, fault in enumerate(given, start=1)
    ]


def struck(name: str, seen: dict[str, int]) -> bool:
    """Tell whether what proves the row is among the marks and counts that were seen."""
    mark = ROWS[name][1]
    return mark in NO_MARK or seen.get(mark, 0) > 0
