"""`breakwater init`: the few questions a first user must answer."""

import shutil
from typing import Annotated, Literal

import typer
from rich.console import Console

from bot.app.cli.home import Home, open_home
from bot.app.cli.output import Document, JsonFlag, show, whisper
from bot.domain.errors import ConfigInvalid

TESTNET = """
Testnet keys are made at the exchange's demo trading (Binance: demo.binance.com), not on the
exchange itself; play money is credited there."""
KEYS = """
How to make an API key that cannot steal:
  1. On the exchange open API management and make a key for futures trading only.
  2. Leave withdrawals, internal and universal transfers switched off. Breakwater checks it and
     opens nothing with a key that may more.
  3. Bind the key to the address of this server. Without it the bot stays REDUCING in live mode.
  4. Take a sub-account that holds only what may be lost.
To rotate it: make a new key, run `init` again, restart, then delete the old key."""

Mode = Annotated[
    Literal["paper", "testnet", "live"] | None, typer.Option(help="paper, testnet or live.")
]
Profile = Annotated[
    str | None, typer.Option(metavar="L20|L25|L30|SHARE", help="What you can bear to lose.")
]
Symbols = Annotated[
    list[str] | None, typer.Option("--symbol", metavar="SYMBOL", help="May be repeated.")
]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(init)


def init(
    *,
    mode: Mode = None,
    profile: Profile = None,
    symbol: Symbols = None,
    defaults: Annotated[
        bool, typer.Option("--yes", help="Ask nothing: keep what no option names.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Ask for mode, loss budget, contracts and keys; write config and secrets with safe modes."""
    from bot.app.config.first_setup import Chosen, write_choice

    home = open_home()
    if not defaults:
        mode = mode or _mode(home)
        profile = profile or _profile(home)
        symbol = symbol or _symbols(home)
    secrets = {} if defaults or mode in (None, "paper") else _secrets(home, str(mode))
    telegram = None if defaults else _telegram(secrets)
    chosen = Chosen(
        mode=mode,
        profile=profile,
        symbols=tuple(symbol or ()),
        telegram_user_id=telegram,
        secrets=secrets,
    )
    written = write_choice(chosen, home.places.config, home.places.state)
    following = _following(mode or home.settings.breakwater.mode)
    show({"written": written, "next": following}, _render, as_json=as_json)


def _mode(home: Home) -> Literal["paper", "testnet", "live"]:
    whisper("paper trades on an exchange of its own, testnet with play money, live with yours.")
    given = typer.prompt("Mode", default=home.settings.breakwater.mode, err=True).strip().lower()
    if given == "paper":
        return "paper"
    if given == "testnet":
        return "testnet"
    if given == "live":
        return "live"
    raise ConfigInvalid(f"mode: was {given[:20]!r}, allowed: paper, testnet, live")


def _profile(home: Home) -> str:
    from bot.answers.budget_price import STUDIED

    whisper("\nThe share of equity you can bear to lose, from its peak, and its price:")
    for name, price in STUDIED.items():
        whisper(
            f"  {name}: cost {price.worst_drawdown_frac:.1%} in recorded crashes, "
            f"{price.worst_drawdown_gap_frac:.1%} where stops filled at the low; a 3x long kept "
            f"{price.rally_kept_frac:.0%} of a rally"
        )
    whisper("  or a share of your own between 0.02 and 0.50. A gap can exceed any of them.")
    risk = home.settings.risk
    kept = risk.profile or str(risk.loss_budget_frac)
    return str(typer.prompt("Loss budget", default=kept, err=True)).strip()


def _symbols(home: Home) -> list[str]:
    kept = ", ".join(home.settings.risk.symbols)
    given = typer.prompt("\nContracts to trade, with commas", default=kept, err=True)
    return [part.strip() for part in str(given).split(",") if part.strip()]


def _secrets(home: Home, mode: str) -> dict[str, str]:
    venues = home.settings.venues
    names = venues.live if mode == "live" else venues.testnet
    whisper(TESTNET + KEYS if mode == "testnet" else KEYS)
    found = {}
    parts = [(names.api_key, "API key"), (names.api_secret, "API secret")]
    if names.api_passphrase is not None:
        parts.append((names.api_passphrase, "API passphrase"))
    for name, words in parts:
        given = typer.prompt(
            f"{words} (not shown; empty keeps what is there)",
            default="", show_default=False, hide_input=True, err=True,
        )  # fmt: skip
        if given.strip():
            found[name] = given.strip()
    return found


def _telegram(secrets: dict[str, str]) -> int | None:
    token = typer.prompt(
        "\nTelegram bot token from @BotFather (not shown; empty: none)",
        default="", show_default=False, hide_input=True, err=True,
    )  # fmt: skip
    if not token.strip():
        return None
    secrets["telegram_token"] = token.strip()
    given = str(typer.prompt("Your Telegram number (@userinfobot tells it)", err=True)).strip()
    if not given.isdigit():
        raise ConfigInvalid(f"telegram number: was {given[:20]!r}, allowed: digits")
    return int(given)


def _following(mode: str) -> list[str]:
    me = _front()
    steps = [f"{me} config check", "./run" if me == "./run" else f"{me} run"]
    if mode == "live":
        steps = [
            "read docs/risk-model.md, then set live_confirmed = true in config/breakwater.toml",
            f"{me} config check",
            f"{me} run --mode live --yes-live --enforce full (or stop_only, or alert)",
        ]
    again = "a bot that is running goes on as it was: end it (Ctrl-C) and start it anew"
    return [again, *steps, f"in a second terminal: {me} doctor"]


def _front() -> str:
    """Return how this program is called here."""
    return "breakwater" if shutil.which("breakwater") else "./run"


def _render(document: Document, console: Console) -> None:
    for line in document["written"] or ["nothing was changed"]:
        console.print(f"wrote {line}", markup=False, highlight=False)
    console.print("Next:")
    for step in document["next"]:
        console.print(f"  {step}", markup=False, highlight=False)
