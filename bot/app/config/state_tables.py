"""The shape of the table [state]: where the journal lies, and who may take over."""

from typing import Annotated

from pydantic import Field, StringConstraints

from bot.app.config.bounds import Float, Name, Table

Url = Annotated[
    str,
    StringConstraints(
        max_length=300,
        pattern=(
            r"^(postgresql\+pg8000://[^\s:@/]+@(\[[0-9A-Fa-f:.]+\]|[^\s:@/\[\]]*)(:\d{1,5})?"
            r"/[A-Za-z0-9_.-]+(\?unix_sock=/[^\s&]+)?)?$"
        ),
    ),
]
Account = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Host = Annotated[str, StringConstraints(max_length=80)]


class StateTable(Table):
    """A file of our own, or an account's room on a PostgreSQL server."""

    url: Url = ""
    account: Account = "main"
    password: Name = "state_password"  # noqa: S105 - the name of a secret
    tls: bool = True
    standby: bool = False
    lease_s: Annotated[Float, Field(ge=2.0, le=60.0)] = 6.0
    host: Host = ""
