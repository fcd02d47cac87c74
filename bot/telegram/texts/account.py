"""What is held, owed, at risk and earned, in words."""

from bot.answers.digest_words import words
from bot.telegram.texts.said import (
    Document,
    Said,
    age,
    away,
    bullets,
    coin,
    millions,
    moment,
    percent,
    price,
    signed,
    usd,
)

NEXT_OF_MODE = {"REDUCING": "Next: it goes on by itself, or /resume if you paused it."}


def status(doc: Document, zone: str) -> Said:
    """Say mode, money, protection and freshness."""
    head = f"{doc['mode']}: {doc['mode_reason']}"
    if doc["latched"]:
        head = f"LATCHED: {doc['latch_reason']}"
    bare = doc["unprotected"]
    count = doc["positions"]
    held = "nothing is held" if not count else f"{count} held, all stopped at the venue"
    lines = [
        head,
        f"Equity {usd(doc['equity_usd'])}, today {signed(doc['day_result_usd'])}, "
        f"{percent(doc['drawdown_frac'])} under the peak",
        f"UNPROTECTED: {', '.join(bare)}" if bare else f"Positions: {held}",
        *[_market_line(row) for row in doc["markets"]],
    ]
    if doc["latched"]:
        lines.append("Next: think first, then /rearm.")
    elif bare:
        lines.append("Next: /positions; it is being stopped or closed. /flatten if it stays.")
    elif doc["mode"] in NEXT_OF_MODE:
        lines.append(NEXT_OF_MODE[doc["mode"]])
    counters = doc["counters"]
    detail = [
        f"Guard: {doc['profile'] or 'own budget'}, {doc['enforce']}"
        + (", read only" if doc["read_only"] else ""),
        f"Wallet {usd(doc['wallet_usd'])}, open result {signed(doc['upnl_usd'])}, "
        f"peak {usd(doc['high_water_usd'])}",
        f"Strategies today {signed(doc['own_day_result_usd'])}",
        f"Stops working: {doc['stops_working']}, entries on their way: {doc['entries_pending']}",
        f"Trades {counters['trades']} (won {counters['wins']}), cuts {counters['guard_actions']}, "
        f"liquidations {counters['liquidations']}",
        f"Fees {usd(counters['fees_usd'])}, funding {signed(counters['funding_usd'])}",
        f"Account read {age(doc['account_age_s'])}, "
        f"account stream {'live' if doc['user_stream_live'] else 'DOWN'}",
        f"As of {moment(doc['as_of'], zone)}, run {doc['run_id']}",
    ]
    return Said("\n".join(lines), "\n".join(detail))


def _market_line(row: Document) -> str:
    live = "" if row["feed_live"] else f", feed DOWN ({row['feed_reason']})"
    return f"{coin(row['symbol'])} {price(row['mark'])} ({age(row['mark_age_s'])}{live})"


def positions(doc: Document, zone: str) -> Said:
    """Say every leg with its stop and its distance to liquidation."""
    if not doc["account_known"]:
        return Said("The account has not been read yet: what is held is unknown.")
    if not doc["positions"]:
        return Said("Nothing is held.")
    short, detail = [], []
    for leg in doc["positions"]:
        name = f"{coin(leg['symbol'])} {leg['side']}"
        stop = f"stop {price(leg['stop_price'])} ({percent(leg['stop_distance_frac'])} away)"
        guard = stop if leg["protected"] else "NO FULL STOP"
        short.append(
            f"{name} {leg['qty']} at {price(leg['entry_price'])}, now {signed(leg['upnl_usd'])}; "
            f"{guard}; {_liquidation(leg)}"
        )
        detail += [
            f"{name}: mark {price(leg['mark'])}, notional {usd(leg['notional_usd'])}",
            f"  liquidation by us {price(leg['liq_price_own'])}, by the venue "
            f"{price(leg['liq_price_venue'])}",
            f"  maintenance {percent(leg['margin_ratio_frac'])} of equity, "
            f"{leg['margin_mode'] or 'margin unknown'}, target {price(leg['target_price'])}",
            f"  stop fills at {signed(leg['stop_result_usd'])}; opened by {leg['opened_by']} "
            f"{moment(leg['opened_at'], zone)}",
        ]
    return Said("\n".join(short), "\n".join(detail))


def _liquidation(leg: Document) -> str:
    if leg.get("liq_exists") is False:
        return "no price liquidates it"
    return f"liquidation {percent(leg['liq_distance_frac'])} away"


def liq(doc: Document, zone: str) -> Said:
    """Say how far each leg is from liquidation, the nearest first."""
    del zone
    if not doc["account_known"] or not doc["positions"]:
        return positions(doc, "UTC")
    legs = sorted(doc["positions"], key=lambda leg: leg["liq_distance_frac"] or 9.0)
    lines = []
    for leg in legs:
        if leg.get("liq_exists") is False:
            lines.append(f"{coin(leg['symbol'])} {leg['side']}: no price liquidates it")
            continue
        to_stop, to_liq = leg["stop_distance_frac"], leg["liq_distance_frac"]
        units = f", {to_liq / to_stop:.1f} times as far as the stop" if to_stop and to_liq else ""
        lines.append(
            f"{coin(leg['symbol'])} {leg['side']}: mark {price(leg['mark'])}, liquidation "
            f"{price(leg['liq_price_own'])} ({percent(to_liq)} away{units})"
        )
    return Said("\n".join([*lines, "A stop is not a guarantee against a gap."]))


def risk(doc: Document, zone: str) -> Said:
    """Say what may still be lost, and what happens next at which price."""
    del zone
    exposure, day = doc["exposure"], doc["own_day"]
    lines = [
        f"Budget left {usd(doc['budget_left_usd'])} of equity {usd(doc['equity_usd'])} "
        f"({percent(doc['budget_left_frac'])}); everything is closed at {usd(doc['floor_usd'])}",
        f"Held {usd(exposure['gross_usd'])}, {exposure['leverage'] or 0:.2f}x",
        *[
            f"At {price(row['price'])} ({away(row['distance_frac'])}): {row['what']}, "
            f"{coin(row['symbol'])} {row['side']}, {signed(row['result_usd'])}"
            for row in doc["next"][:4]
        ],
    ]
    if doc["latched"]:
        lines.insert(0, f"LATCHED: {doc['latch_reason']}")
    rules = [
        f"{row['rule']} {coin(row['symbol'])} {row['side']}: {row['measured']} "
        f"(acts at {row['limit']}, {row['unit']})"
        for row in doc["rules"]
    ]
    detail = [
        f"Loss budget {percent(doc['loss_budget_frac'])} from the peak "
        f"{usd(doc['high_water_usd'])}",
        f"Strategies today {signed(day['result_usd'])}: half size at "
        f"-{percent(day['half_at_frac'])}, halt at -{percent(day['halt_at_frac'])}",
        *rules,
        *[
            f"{coin(s['symbol'])} {s['side']}: the stop lies {flaw['words']}"
            for s in doc["stops"]
            for flaw in s["flaws"]
        ],
        doc["note"],
    ]
    return Said("\n".join(lines), "\n".join(detail))


def orders(doc: Document, zone: str) -> Said:
    """Say what may still fill."""
    if not doc["orders"]:
        return Said("No order may still fill.")
    short = [
        f"{coin(o['symbol'])} {o['purpose']} {o['side']} {o['qty']}"
        + (f" at {price(o['trigger_price'])}" if o["trigger_price"] else "")
        + f", {o['status']}"
        for o in doc["orders"]
    ]
    detail = [
        f"{o['client_order_id']}: {o['kind']}, sent {moment(o['sent_at'], zone)}, filled "
        f"{o['filled_qty']}. {o['reason'] or ''}"
        for o in doc["orders"]
    ]
    return Said("\n".join(short), "\n".join([*detail, "Next: /why ID tells how it came to be."]))


def trades(doc: Document, zone: str) -> Said:
    """Say what the strategies did."""
    head = f"{doc['trades_total']} trades closed, {doc['wins_total']} won"
    rows = [
        f"{t['strategy']} {coin(t['symbol'])} {t['side']} {t['entry_qty']} at "
        f"{price(t['entry_price'])}: "
        + (
            f"{signed(t['result_usd'])} ({t['result_r']} R) by {t['left_by']}, "
            f"{moment(t['closed_at'], zone)}"
            if t["state"] == "closed"
            else f"open, stop {price(t['stop_price'])}, target {price(t['target_price'])}"
        )
        for t in doc["trades"]
    ]
    return Said("\n".join([head, *_ends(doc), *rows[:5]]), "\n".join(rows[5:]))


def _ends(doc: Document) -> list[str]:
    """Return a line for what each kind of end brought."""
    return [
        f"by {row['left_by']}: {row['trades']}, {row['wins']} won, {signed(row['result_usd'])}"
        + ("" if row["mean_r"] is None else f", {row['mean_r']:+.2f} R each")
        for row in doc["by_exit"]
    ]


def digest(doc: Document, zone: str) -> Said:
    """Say how the last day went."""
    del zone
    return Said(words(doc))


def pnl(doc: Document, zone: str) -> Said:
    """Say what was earned today and over all."""
    del zone
    lines = [
        f"Today {signed(doc['day_result_usd'])}, strategies {signed(doc['own_day_result_usd'])}",
        f"Equity {usd(doc['equity_usd'])}",
        f"All: {doc['trades']} trades, {doc['wins']} won, fees {usd(doc['fees_usd'])}, "
        f"funding {signed(doc['funding_usd'])}",
        *_ends(doc),
    ]
    return Said("\n".join(lines), periods(doc, "UTC").short)


def periods(doc: Document, zone: str) -> Said:
    """Say each day or week, the newest first; both are UTC's."""
    del zone
    rows = [
        f"{row['period']}: {signed(row['change_usd'])} ({percent(row['change_frac'])}), "
        f"{row['trades']} trades {signed(row['trades_result_usd'])}"
        for row in doc["periods"]
    ]
    head = f"By {doc['by']} (UTC), newest first"
    if not rows:
        return Said(f"{head}: nothing is recorded yet.")
    return Said("\n".join([head, *rows[:8]]), "\n".join([*rows[8:40], doc["note"]]))


def stress(doc: Document, zone: str) -> Said:
    """Say what shocks would leave of the account."""
    del zone
    if not doc["shocks"]:
        return Said("Nothing is held, or the account is not known yet: no shock to tell.")
    rows = [
        f"{row['shock']}: {usd(row['equity_usd'])} left ({percent(row['loss_frac'])} lost)"
        + ("" if row["within_budget"] else ", OVER THE BUDGET")
        for row in doc["shocks"]
    ]
    detail = [f"{row['shock']}: {row['why']}" for row in doc["shocks"]]
    return Said("\n".join(rows), "\n".join([*detail, doc["note"]]))


def strategies(doc: Document, zone: str) -> Said:
    """Say which strategies run, and what they hold."""
    del zone
    if not doc["enabled"]:
        return Said("No strategy is enabled; the guard works without.")
    rows = [
        f"{row['name']}: {row['open']} open, {row['closed']} closed, {signed(row['result_usd'])}"
        for row in doc["strategies"]
    ]
    detail = [f"{row['name']}: {row['params'] or 'as shipped'}" for row in doc["strategies"]]
    return Said("\n".join(rows), "\n".join(detail))


def equity(doc: Document, zone: str) -> Said:
    """Say where equity was."""
    points = doc["points"]
    if not points:
        return Said("No equity is recorded yet; a point is written every minute.")
    lines = [
        f"Equity {usd(points[-1]['equity_usd'])} ({moment(points[-1]['at'], zone)})",
        f"{doc['days']} days: lowest {usd(doc['lowest_usd'])}, highest {usd(doc['highest_usd'])}",
    ]
    return Said("\n".join(lines))


def chart(doc: Document, zone: str) -> Said:
    """Say what the picture shows."""
    del zone
    if not doc["bars"]:
        return Said("No price is known yet.")
    legs = [
        f"{leg['side']} {leg['qty']}: stop {price(leg['stop_price'])}, "
        + (
            "no price liquidates it"
            if leg.get("liq_exists") is False
            else f"liquidation {price(leg['liq_price_own'])}"
        )
        for leg in doc["positions"]
    ]
    clusters = [f"{c['side']} {price(c['price'])} {millions(c['usd'])}" for c in doc["estimated"]]
    near = ["Estimated forced orders:", *bullets(clusters[:4])] if clusters else []
    return Said("\n".join([f"{coin(doc['symbol'])} {price(doc['mark'])}", *legs, *near]))
