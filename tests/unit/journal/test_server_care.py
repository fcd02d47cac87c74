"""A journal on a server: spoken to through TLS that is proven, dumped, and restored elsewhere.

Budget: 6 s.
"""

import subprocess

import pytest

from bot.app.clock import SystemClock
from bot.domain.errors import JournalBroken
from bot.journal import lease
from bot.journal.lease import Candidate
from bot.journal.line import Line
from bot.journal.postgres import check, open_server_journal
from bot.journal.server import Server
from bot.journal.tenure import obtain
from tests.fakes.postgres import Unfenced
from tests.fakes.postgres_tls import HOST, TlsFront
from tests.unit.journal.stories import NOW_NS, approved

pytestmark = pytest.mark.xdist_group("postgres")
RUN = "run00001"


def far(front: TlsFront, near: Server) -> Server:
    database = near.url.rpartition("/")[2]
    url = f"postgresql+pg8000://postgres@{HOST}:{front.port}/{database}"
    return Server(url=url, account="main", answer_s=8.0)


def test_a_server_that_proves_its_name_is_spoken_to_in_secret(
    postgres, blank_database, tmp_path, monkeypatch, clock
) -> None:
    with TlsFront(postgres.port, tmp_path) as front:
        monkeypatch.setenv("SSL_CERT_FILE", str(front.ca))
        server = far(front, blank_database)
        store = open_server_journal(server, Unfenced(), clock)
        store.intent(RUN, 1, approved(), NOW_NS)
        assert [order.client_order_id for order in store.live_orders()] == ["bwrun00001-1-1"]
        store.close()
        who = Candidate(
            holder=RUN, key_digest="k", mode="paper", ttl_s=4.0, host="h", machine="m", pid=1
        )
        tenure = obtain(server, who, SystemClock(), standby=False)
        assert tenure.held()
        tenure.close()
        assert (front.secured >= 2, front.plain) == (True, [])


@pytest.mark.parametrize(
    ("flaw", "said"),
    [
        ("nobody vouches for it", "certificate verify failed"),
        ("it vouches for another name", "certificate verify failed"),
        ("it has no TLS", "SSL"),
    ],
)
def test_one_that_proves_nothing_is_told_nothing(
    postgres, blank_database, tmp_path, monkeypatch, flaw, said
) -> None:
    names = ("db.example.org",) if "another" in flaw else (HOST,)
    with TlsFront(postgres.port, tmp_path, names=names, refuses="no TLS" in flaw) as front:
        if "nobody" not in flaw:
            monkeypatch.setenv("SSL_CERT_FILE", str(front.ca))
        line = Line(far(front, blank_database))
        with pytest.raises(JournalBroken, match=said) as caught:
            lease.prepare(line)
        line.close()
        assert "\n" not in str(caught.value)
        assert (front.secured, front.plain) == (0, [])


def test_an_account_that_was_dumped_goes_on_in_another_database(
    postgres, blank_database, clock
) -> None:
    """By the commands that the documentation names, with the server's own tools."""
    store = open_server_journal(blank_database, Unfenced(), clock)
    store.intent(RUN, 1, approved(), NOW_NS)
    store.save_snapshot(RUN, 1, NOW_NS, b"belief")
    store.close()
    tools = postgres._install / "bin"
    place = ["-h", "127.0.0.1", "-p", str(postgres.port), "-U", "postgres"]
    dump = postgres.root / "account.sql"
    old, new = blank_database.url.rpartition("/")[2], postgres.database()
    for command in (
        [tools / "pg_dump", *place, "--schema", "bw_main", "-f", dump, old],
        [tools / "psql", *place, "-q", "-v", "ON_ERROR_STOP=1", "-1", "-f", dump, new],
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
    server = postgres.server(new)
    assert check(server)["ok"]
    again = open_server_journal(server, Unfenced(), clock)
    assert [order.client_order_id for order in again.live_orders()] == ["bwrun00001-1-1"]
    assert again.load_snapshot() == b"belief"
    again.intent(RUN, 2, approved("bwrun00001-2-1"), NOW_NS)
    again.close()
