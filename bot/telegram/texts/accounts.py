"""All accounts of the bot, in words."""

from bot.telegram.texts.said import Document, Said, percent, signed, usd


def accounts(doc: Document, zone: str) -> Said:
    """Say how each account does, and all of them as one."""
    del zone
    rows = [_row(row) for row in doc["accounts"]]
    together = (
        f"Together {usd(doc['equity_usd'])}"
        if not doc["unseen"]
        else f"NOT SEEN now: {', '.join(doc['unseen'])}; at least {usd(doc['at_least_usd'])}"
    )
    lines = [*rows, together]
    if doc["spent"]:
        lines.append("The joint budget is used up: re-arm each account when you decide to go on.")
    if len(rows) > 1:
        lines.append("A command is for the first unless you add @NAME or @all; /panic is for all.")
    detail = [
        *(f"net {asset}: {signed(value)}" for asset, value in sorted(doc["net_usd"].items())),
        *(
            f"all prices {shock['move_frac']:+.0%}: {usd(shock['equity_usd'])} left"
            for shock in doc["shocks"]
        ),
        f"joint budget: {percent(doc['loss_budget_frac']) if doc['loss_budget_frac'] else 'none'}",
    ]
    return Said("\n".join(lines), "\n".join(detail))


def _row(row: Document) -> str:
    head = f"@{row['account']} ({row['venue']})"
    if "error" in row:
        return f"{head}: no answer: {row['error']}"
    state = "LATCHED" if row["latched"] else row["mode"]
    bare = f", UNPROTECTED: {', '.join(row['unprotected'])}" if row["unprotected"] else ""
    fallen = "" if row["drawdown_frac"] is None else f", {percent(row['drawdown_frac'])} fallen"
    seen = usd(row["equity_usd"]) if row["seen"] else "not seen now"
    return f"{head}: {state}, {seen}{fallen}, {row['positions']} held{bare}"
