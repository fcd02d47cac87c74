"""Signed requests that change how the account behaves: leverage, modes, isolated margin."""

from decimal import Decimal, InvalidOperation
from typing import Final

from bot.domain.account import MarginMode
from bot.domain.units import ZERO
from bot.simulator.binance.calls import Access, Call, Handler, Route
from bot.simulator.bybit.rest_account import margin_word
from bot.simulator.bybit.rest_orders import linear
from bot.simulator.bybit.words import BAD_REQUEST, LEG_INDEX, LEGS, NOT_MODIFIED, denied
from bot.simulator.exchange import ExchangeRefused

HEDGED: Final = {"0": False, "3": True}
MODES: Final = {"REGULAR_MARGIN": MarginMode.CROSS, "ISOLATED_MARGIN": MarginMode.ISOLATED}


def _set_leverage(call: Call) -> object:
    linear(call)
    instrument = call.instrument()
    wanted = {call.text("buyLeverage"), call.text("sellLeverage")}
    if len(wanted) != 1:
        raise denied(BAD_REQUEST, "buy leverage not equal sell leverage in one way mode")
    try:
        leverage = Decimal(wanted.pop())
    except InvalidOperation:
        raise denied(BAD_REQUEST, "params error: leverage invalid") from None
    highest = max(tier.leverage_max for tier in instrument.tiers)
    if leverage != leverage.to_integral_value() or not 1 <= leverage <= highest:
        raise denied(110013, "cannot set leverage due to risk limit level")
    account = call.world.exchange.account(call.account_id)
    if account.leverages.get(instrument.symbol) == int(leverage):
        raise denied(*NOT_MODIFIED)
    call.world.exchange.set_leverage(call.account_id, instrument.symbol, int(leverage))
    return {}


def _set_margin_mode(call: Call) -> object:
    """Set the margin mode of the whole account, or of nothing."""
    word = call.text("setMarginMode")
    mode = MODES.get(word)
    if mode is None:
        raise denied(BAD_REQUEST, "params error: setMarginMode invalid")
    if margin_word(call) == word:
        return {"reasons": []}
    account = call.world.exchange.account(call.account_id)
    if account.positions or account.orders:
        why = "Equity needs to be recalculated: close positions and cancel orders first"
        raise denied(3400045, why)
    for symbol in call.world.by_symbol:
        try:
            call.world.exchange.set_margin_mode(call.account_id, symbol, mode)
        except ExchangeRefused as refused:
            if refused.code != -4046:
                raise
    return {"reasons": []}


def _switch_isolated(_: Call) -> object:
    raise denied(100028, "The API cannot be operated by unified account user.")


def _switch_mode(call: Call) -> object:
    linear(call)
    word = call.text("mode")
    if word not in HEDGED:
        raise denied(BAD_REQUEST, "params error: mode invalid")
    call.world.exchange.set_hedge_mode(call.account_id, HEDGED[word])
    return {}


def _add_margin(call: Call) -> object:
    linear(call)
    instrument, amount = call.instrument(), call.need_decimal("margin")
    leg_word = call.params.get("positionIdx", "0")
    account = call.world.exchange.account(call.account_id)
    legs = [
        leg
        for leg in account.positions
        if leg.symbol == instrument.symbol and LEGS.get(leg_word) in (None, leg.side)
    ]
    if not legs or amount == ZERO:
        raise denied(BAD_REQUEST, "position does not exist or margin is zero")
    call.world.exchange.add_margin(call.account_id, instrument.symbol, legs[0].side, amount)
    return {
        "category": "linear",
        "symbol": instrument.venue_id,
        "positionIdx": LEG_INDEX[legs[0].side if legs[0].hedged else None],
    }


def _trading_stop(_: Call) -> object:
    """Refuse stops attached to a position: the house rests its stops as orders of their own."""
    raise denied(BAD_REQUEST, "params error: stops attached to a position are not simulated here")


def _post(path: str, serve: Handler) -> Route:
    return Route(method="POST", path=path, serve=serve, access=Access.TRADE)


ROUTES: Final = (
    _post("/v5/position/set-leverage", _set_leverage),
    _post("/v5/position/switch-isolated", _switch_isolated),
    _post("/v5/position/switch-mode", _switch_mode),
    _post("/v5/position/add-margin", _add_margin),
    _post("/v5/position/trading-stop", _trading_stop),
    _post("/v5/account/set-margin-mode", _set_margin_mode),
)
