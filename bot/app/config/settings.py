"""Reads config/*.toml and the environment into one frozen value, or says every fault in a line."""

import hashlib
import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from typing_extensions import override

from bot.app.config.account_tables import AccountsTable
from bot.app.config.alert_tables import AlertsTable, TelegramTable
from bot.app.config.dashboard_tables import DashboardTable
from bot.app.config.faults import env_names, lines_of, unknown_env
from bot.app.config.sense_tables import SensesTable
from bot.app.config.source_tables import SourcesTable
from bot.app.config.state_tables import StateTable
from bot.app.config.tables import (
    BreakwaterTable,
    LevelsTable,
    RiskTable,
    StrategiesTable,
    VenuesTable,
)
from bot.domain.errors import ConfigInvalid

PREFIX = "BREAKWATER_"
TABLES = (
    "breakwater", "risk", "levels", "strategies", "venues", "senses", "sources", "alerts",
    "telegram", "dashboard", "state", "accounts",
)  # fmt: skip
FILE_BYTES_MAX = 1_000_000


class Settings(BaseSettings):
    """The effective configuration: files first, environment over them."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=False,
    )

    breakwater: BreakwaterTable
    risk: RiskTable
    levels: LevelsTable
    strategies: StrategiesTable
    venues: VenuesTable
    senses: SensesTable
    sources: SourcesTable
    alerts: AlertsTable
    telegram: TelegramTable
    dashboard: DashboardTable
    state: StateTable
    accounts: AccountsTable

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over what the files say; nothing else is read."""
        return EnvSettingsSource(settings_cls), init_settings


def load_settings(folder: Path) -> Settings:
    """Return the settings of `folder` and the environment.

    Raises:
        ConfigInvalid: one line a fault: file, key, what was, what is allowed.
    """
    tables, faults = _read_tables(folder)
    faults += unknown_env(os.environ, PREFIX, TABLES)
    if faults:
        raise ConfigInvalid("\n".join(faults))
    try:
        return Settings(**tables)
    except ValidationError as error:
        named = env_names(os.environ, PREFIX, TABLES)
        raise ConfigInvalid("\n".join(lines_of(error, folder, named, Settings))) from None
    except SettingsError as error:
        reason = str(error).splitlines()[0]
        raise ConfigInvalid(
            f"environment: {reason}: lists and tables are written as JSON"
        ) from None


def effective(settings: Settings) -> dict[str, Any]:
    """Return the settings as one JSON-able document."""
    return settings.model_dump(mode="json")


def config_hash(settings: Settings) -> str:
    """Return 12 hex digits that name this effective configuration."""
    text = json.dumps(effective(settings), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _read_tables(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the tables of the files in `folder`, and a line for each fault."""
    if not folder.is_dir():
        return {}, [f"{folder}: no such folder; name one with --config or BREAKWATER_CONFIG_DIR"]
    tables: dict[str, Any] = {}
    faults: list[str] = []
    for table in TABLES:
        path = folder / f"{table}.toml"
        try:
            tables[table] = _one_table(path, table)
        except ConfigInvalid as error:
            faults.append(str(error))
    return tables, faults


def _one_table(path: Path, table: str) -> Mapping[str, Any]:
    """Return the only table a file may own."""
    document = _parse(path)
    strangers = sorted(set(document) - {table})
    if strangers:
        owner = next((f" (it belongs in {s}.toml)" for s in strangers if s in TABLES), "")
        raise ConfigInvalid(
            f"{path}: {strangers[0]}: this file owns the table [{table}] alone{owner}"
        )
    found = document.get(table, {})
    if not isinstance(found, dict):
        raise ConfigInvalid(f"{path}: {table}: was {found!r:.60}, needed a table [{table}]")
    return found


def _parse(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigInvalid(f"{path}: missing; restore it from the repository") from None
    except OSError as error:
        raise ConfigInvalid(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > FILE_BYTES_MAX:
        raise ConfigInvalid(f"{path}: was {len(data)} bytes, at most {FILE_BYTES_MAX} allowed")
    try:
        return tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigInvalid(f"{path}: byte {error.start}: not UTF-8 text") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigInvalid(f"{path}: not TOML: {str(error)[:160]}") from None
