"""Rows of a fleet to one risk page: what is stale is not used, what is nonsense is named."""

import pytest

from bot.app.accounts.fleet_risk import fleet_risk
from bot.domain.errors import DataInvalid


def row(account, venue, equity, *, side="LONG", qty="1", age_s=1.0, driven=True, **more):
    held = {
        "asset": "BTC", "symbol": "BTC/USDT:USDT", "side": side, "qty": qty, "mark": 80_000.0,
        "stop_price": None, "isolated_margin_usd": None, "upnl_usd": 0.0,
        "maintenance_frac": 0.005,
    }  # fmt: skip
    house = {"venue": venue, "equity_usd": equity, "high_water_usd": equity, "holdings": [held]}
    state = {"mode": "ACTIVE", "house": house | more}
    return {"account": account, "driven": driven, "age_s": age_s, "state": state}


def page(*rows):
    return fleet_risk(list(rows), loss_budget_frac=0.2, venue_max_frac=0.6)


def test_two_venues_are_one_book_and_a_silent_one_is_a_shock_of_its_own():
    found = page(
        row("anna", "binance", 100_000.0), row("berta", "bybit", 50_000.0, side="SHORT", qty="0.5")
    )
    (btc,) = found["exposure"]
    assert (btc["net_usd"], btc["gross_usd"]) == (40_000.0, 120_000.0)
    assert [v["over_limit"] for v in found["venues"]] == [True, False]
    by_shock = {(s["move_frac"], s["silent_venue"]): s for s in found["shocks"]}
    assert set(by_shock) == {
        (move, venue) for move in (-0.2, -0.1, 0.1, 0.2) for venue in (None, "binance", "bybit")
    }
    fall = by_shock[-0.2, None]
    assert fall["equity_usd"] == pytest.approx(150_000.0 - 16_000.0 + 8_000.0)
    assert fall["within_budget"]
    assert fall["loses_most"] == "anna"


@pytest.mark.parametrize("change", [{"age_s": 16.0}, {"driven": False}, {"equity": None}])
def test_an_account_that_is_not_known_now_is_counted_as_lost(change):
    equity = change.pop("equity", 50_000.0)
    found = page(
        row("anna", "binance", 100_000.0),
        row("berta", "bybit", equity, side="SHORT", high_water_usd=50_000.0, **change),
    )
    assert found["unknown"] == ["berta"]
    assert found["equity_usd"] == 100_000.0
    assert found["exposure"][0]["net_usd"] == 80_000.0, "its hedge is not counted on"
    assert found["peak_usd"] == 150_000.0
    assert not any(shock["within_budget"] for shock in found["shocks"] if shock["move_frac"] < 0)
    assert all(venue["over_limit"] for venue in found["venues"])


def test_an_empty_fleet_and_an_account_that_told_nothing_yet_are_no_error():
    assert page()["shocks"] == []
    quiet = {"account": "anna", "driven": True, "age_s": 0.1, "state": None}
    assert page(quiet)["unknown"] == ["anna"]


def test_nonsense_is_named():
    with pytest.raises(DataInvalid, match="account anna tells nonsense"):
        page(row("anna", "binance", "much"))
