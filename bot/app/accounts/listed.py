"""The accounts of one daemon: the first, and each beside it with settings and places of its own."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from pydantic import ValidationError

from bot.app.config.faults import lines_of
from bot.app.config.places import Places
from bot.app.config.settings import Settings, effective
from bot.domain.errors import ConfigInvalid

FIRST = "main"
ALONE = ("senses", "sources")
"""Heard by the first account alone: the others judge by what their own venue tells."""


class Beside(msgspec.Struct, frozen=True):
    """An account beside the first."""

    name: str
    settings: Settings
    places: Places


def accounts_beside(settings: Settings, places: Places) -> tuple[Beside, ...]:
    """Return the further accounts, by name.

    Raises:
        ConfigInvalid: one line a fault, with the account it is of.
    """
    return tuple(_each(settings, places))


def _each(settings: Settings, places: Places) -> Iterator[Beside]:
    common = effective(settings)
    for name, changes in sorted(settings.accounts.beside.items()):
        if name == FIRST:
            raise ConfigInvalid(f"accounts.beside.{FIRST}: the first account has this name")
        bound = {"fleet_loss_budget_frac": common["accounts"]["fleet_loss_budget_frac"]}
        tables: dict[str, Any] = {**common, "accounts": bound}
        for alone in ALONE:
            tables[alone] = {"venues": []} if alone == "senses" else {}
        tables["dashboard"] = {**common["dashboard"], "enabled": False}
        # the first account stands by for all: when it drives, the others' leases have run out too
        tables["state"] = {**common["state"], "account": name, "standby": False}
        for table, values in changes.items():
            tables[table] = _over(tables[table], values)
        try:
            own = Settings(**tables)
        except ValidationError as error:
            lines = lines_of(error, places.config, {}, Settings)
            raise ConfigInvalid(
                "\n".join(f"accounts.beside.{name}: {line}" for line in lines)
            ) from None
        if own.breakwater.mode != settings.breakwater.mode:
            raise ConfigInvalid(
                f"accounts.beside.{name}.breakwater.mode: was {own.breakwater.mode}, the first"
                f" account's is {settings.breakwater.mode}: one daemon has one mode"
            )
        home = msgspec.structs.replace(places, state=places.state / "accounts" / name)
        yield Beside(name, own, home)


def _over(below: object, above: object) -> object:
    """Return `above` laid over `below`: tables are merged, all else is replaced."""
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return {**below, **{key: _over(below.get(key), value) for key, value in above.items()}}
    return above
