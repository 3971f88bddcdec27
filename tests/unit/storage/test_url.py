import sys

import pytest

from tests.support.stores import PumpedReactor, credentials
from xmppd.errors import ConfigError
from xmppd.jid import JID
from xmppd.storage.url import open_stores

FORMS = 'Write "sqlite:path/to/file.db" or "postgresql://user:password@host:port/database"'
JULIET = JID("juliet@verona.example")


@pytest.fixture
def reactor():
    return PumpedReactor()


def test_stores_open_at_a_path_relative_to_the_base(reactor, tmp_path):
    stores = reactor.wait(open_stores("sqlite:elsinore.db", reactor, tmp_path))
    made = reactor.wait(stores.accounts.create(JULIET, credentials(), now=1.0))
    assert reactor.wait(stores.accounts.get(JULIET)) == made
    reactor.wait(stores.database.close())
    assert (tmp_path / "elsinore.db").is_file()


def test_stores_open_at_an_absolute_path(reactor, tmp_path):
    path = tmp_path / "Schloß Helsingør.db"
    stores = reactor.wait(open_stores(f"sqlite:{path}", reactor, tmp_path / "elsewhere"))
    reactor.wait(stores.database.close())
    assert path.is_file()


def test_memory_leaves_no_file(reactor, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stores = reactor.wait(open_stores("sqlite::memory:", reactor, tmp_path))
    reactor.wait(stores.accounts.create(JULIET, credentials(), now=1.0))
    reactor.wait(stores.database.close())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sqlite",
        "sqlite:",
        "elsinore.db",
        "mysql:elsinore",
        "sqlite:///var/lib/elsinore.db",
        "sqlite://elsinore.db",
        "postgresql:elsinore",
        "postgresql:/claudius:poison@localhost/elsinore",
    ],
)
def test_a_url_that_will_not_do_is_refused_with_key_and_remedy(reactor, tmp_path, url):
    with pytest.raises(ConfigError) as caught:
        reactor.wait(open_stores(url, reactor, tmp_path, source="xmppd.toml"))
    message = str(caught.value)
    assert message.startswith("xmppd.toml: [store] url: ")
    assert caught.value.remedy == FORMS
    assert "poison" not in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://claudius:poi@son@localhost/elsinore",
        "postgresql://claudius:poi/son@localhost/elsinore",
        "postgres://claudius:poison/elsinore",
        "postgresql://claudius@localhost/elsinore?poison=1",
        "postgresql://claudius@localhost/elsinore?connections=poison",
        "postgresql://claudius@[poison/elsinore",
    ],
)
def test_a_url_of_postgresql_that_will_not_do_is_never_repeated(reactor, tmp_path, url):
    with pytest.raises(ConfigError, match="percent-encoded") as caught:
        reactor.wait(open_stores(url, reactor, tmp_path, source="xmppd.toml"))
    message = str(caught.value)
    assert message.startswith("xmppd.toml: [store] url: not the url of a PostgreSQL database")
    assert "poi" not in message and "son" not in message
    assert caught.value.__cause__ is None


def test_a_driver_that_is_missing_is_named_with_how_to_install_it(reactor, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("xmppd.storage.postgresql")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "txpostgres", None)
    with pytest.raises(ConfigError, match="txpostgres") as caught:
        reactor.wait(open_stores("postgresql:///elsinore", reactor, tmp_path))
    assert "pip install txpostgres psycopg2-binary" in caught.value.remedy
