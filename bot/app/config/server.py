"""Which database server [state] names, with its password looked up."""

from bot.app.config.credentials import read_secret
from bot.app.config.places import Places
from bot.app.config.settings import Settings
from bot.journal.server import Server, refuse_bad


def server_of(settings: Settings, places: Places) -> Server | None:
    """Return the server that [state] names; None: the journal is a file.

    Raises:
        ConfigInvalid: the address, the password file or the driver is at fault.
    """
    table = settings.state
    if not table.url:
        return None
    server = Server(
        url=table.url,
        account=table.account,
        password=read_secret(table.password, places.state),
        tls=table.tls,
    )
    refuse_bad(server)
    return server
