"""Signed requests that change how the account behaves: modes, leverage, margin, listen keys."""

from decimal import Decimal
from typing import Final

from bot.domain.account import MarginMode
from bot.domain.units import NS_PER_MS
from bot.simulator.binance.calls import Access, Call, Handler, Route
from bot.simulator.binance.frames import Row
from bot.simulator.binance.order_params import position_side
from bot.simulator.binance.refusals import Refused, illegal
from bot.simulator.binance.rest_account import MARGIN_WORD

DONE: Final = {"code": 200, "msg": "success"}


def _dual_side(call: Call) -> object:
    return {"dualSidePosition": call.world.exchange.account(call.account_id).hedge_mode}


def _set_dual_side(call: Call) -> object:
    call.text("dualSidePosition")
    wanted = call.flag("dualSidePosition")
    if call.world.exchange.account(call.account_id).hedge_mode is wanted:
        raise Refused(-4059, "No need to change position side.")
    call.world.exchange.set_hedge_mode(call.account_id, wanted)
    return DONE


def _multi_assets(call: Call) -> object:
    return {"multiAssetsMargin": False, "accountAlias": call.account_id}


def _set_leverage(call: Call) -> object:
    instrument = call.instrument()
    leverage = call.number("leverage")
    if leverage is None or not 1 <= leverage <= max(t.leverage_max for t in instrument.tiers):
        raise Refused(-4028, f"Leverage {leverage} is not valid")
    call.world.exchange.set_leverage(call.account_id, instrument.symbol, leverage)
    stamp = call.world.now_ms()
    changed: Row = {
        "e": "ACCOUNT_CONFIG_UPDATE",
        "E": stamp,
        "T": stamp,
        "ac": {"s": instrument.venue_id, "l": leverage},
    }
    call.world.hub.publish_user(call.account_id, "ACCOUNT_CONFIG_UPDATE", changed)
    caps = [t.cap_usd for t in instrument.tiers if t.leverage_max >= leverage]
    return {
        "leverage": leverage,
        "maxNotionalValue": f"{max(caps, default=0.0):.0f}",
        "symbol": instrument.venue_id,
    }


def _set_margin_type(call: Call) -> object:
    instrument = call.instrument()
    word = call.text("marginType")
    mode = next((m for m, w in MARGIN_WORD.items() if w == word.upper()), None)
    if mode is None:
        raise illegal("marginType")
    account = call.world.exchange.account(call.account_id)
    if account.margin_modes.get(instrument.symbol, MarginMode.CROSS) is mode:
        raise Refused(-4046, "No need to change margin type.")
    call.world.exchange.set_margin_mode(call.account_id, instrument.symbol, mode)
    return DONE


def _position_margin(call: Call) -> object:
    instrument = call.instrument()
    amount = call.need_decimal("amount")
    direction = call.number("type")
    if direction not in (1, 2) or amount <= Decimal(0):
        raise Refused(-1130, "Data sent for parameter 'type' or 'amount' is not valid.")
    side = position_side(call)
    legs = [
        leg.leg
        for leg in call.world.reading(call.account_id).legs
        if leg.leg.symbol == instrument.symbol and side in (None, leg.leg.side)
    ]
    if not legs:
        raise Refused(-4054, "Cannot add position margin: position is 0.")
    signed = amount if direction == 1 else -amount
    call.world.exchange.add_margin(call.account_id, instrument.symbol, legs[0].side, signed)
    return {"amount": float(amount), "code": 200, "msg": "success", "type": direction}


def _countdown(call: Call) -> object:
    instrument = call.instrument()
    wait_ms = call.number("countdownTime")
    if wait_ms is None or wait_ms < 0:
        raise Refused(-1130, "Data sent for parameter 'countdownTime' is not valid.")
    key = (call.account_id, instrument.symbol)
    call.world.countdowns.pop(key, None)
    if wait_ms:
        call.world.countdowns[key] = call.world.clock.now_ns() + wait_ms * NS_PER_MS
    return {"symbol": instrument.venue_id, "countdownTime": str(wait_ms)}


def _open_listen_key(call: Call) -> object:
    return {"listenKey": call.world.listen_keys.open(call.account_id, call.world.clock.now_ns())}


def _renew_listen_key(call: Call) -> object:
    text = call.world.listen_keys.renew(call.account_id, call.world.clock.now_ns())
    if text is None:
        raise Refused(-1125, "This listenKey does not exist.")
    return {"listenKey": text}


def _close_listen_key(call: Call) -> object:
    call.world.listen_keys.close(call.account_id)
    return {}


def _post(path: str, serve: Handler, weight: int = 1) -> Route:
    return Route(method="POST", path=path, serve=serve, access=Access.TRADE, weight=weight)


LISTEN_KEY: Final = "/fapi/v1/listenKey"
ROUTES: Final = (
    Route(
        method="GET",
        path="/fapi/v1/positionSide/dual",
        serve=_dual_side,
        access=Access.READ,
        weight=30,
    ),
    Route(
        method="GET",
        path="/fapi/v1/multiAssetsMargin",
        serve=_multi_assets,
        access=Access.READ,
        weight=30,
    ),
    _post("/fapi/v1/positionSide/dual", _set_dual_side),
    _post("/fapi/v1/leverage", _set_leverage),
    _post("/fapi/v1/marginType", _set_margin_type),
    _post("/fapi/v1/positionMargin", _position_margin),
    _post("/fapi/v1/countdownCancelAll", _countdown, 10),
    Route(method="POST", path=LISTEN_KEY, serve=_open_listen_key, access=Access.KEY),
    Route(method="PUT", path=LISTEN_KEY, serve=_renew_listen_key, access=Access.KEY),
    Route(method="DELETE", path=LISTEN_KEY, serve=_close_listen_key, access=Access.KEY),
)
