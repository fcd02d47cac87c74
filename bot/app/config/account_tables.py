"""The shape of the table [accounts]: further accounts beside the first, and what binds them all."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from bot.app.config.bounds import Float, Table

AccountName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Overridden = Literal["breakwater", "risk", "levels", "strategies", "venues"]


class AccountsTable(Table):
    """`beside.NAME.TABLE` says what is different for an account; all else is as for the first."""

    loss_budget_frac: Annotated[Float, Field(ge=0.0, le=0.9)] = 0.0
    """Of the peak of all accounts together; 0: each account's own budget alone."""
    venue_share_max_frac: Annotated[Float, Field(gt=0.0, le=1.0)] = 1.0
    """Of what all accounts hold, net of each asset at a venue, at one venue; 1: no limit."""
    fleet_loss_budget_frac: Annotated[Float, Field(ge=0.0, le=0.9)] = 0.0
    """Of the peak of all accounts of one database (state.url); 0: this account is not bound."""
    hedge_after_s: Annotated[Float, Field(ge=0.0, le=3600.0)] = 0.0
    """So long a venue must be silent until another account hedges what was held there; 0: never."""
    hedge_stop_frac: Annotated[Float, Field(gt=0.0, le=0.2)] = 0.03
    """How far from the mark a hedge's own stop lies."""
    beside: Annotated[
        dict[AccountName, dict[Overridden, dict[str, Any]]], Field(max_length=100)
    ] = Field(default_factory=dict)
