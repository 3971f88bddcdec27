import pytest

from tests.support.stores import PumpedReactor, credentials
from xmppd.errors import ConfigError
from xmppd.jid import JID
from xmppd.storage.url import open_stores

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
        "postgresql://claudius:poison@localhost/elsinore",
        "postgres://claudius:poison@localhost/elsinore",
    ],
)
def test_a_url_that_will_not_do_is_refused_with_key_and_remedy(reactor, tmp_path, url):
    with pytest.raises(ConfigError) as caught:
        reactor.wait(open_stores(url, reactor, tmp_path, source="xmppd.toml"))
    message = str(caught.value)
    assert message.startswith("xmppd.toml: [store] url: ")
    assert caught.value.remedy == 'Write "sqlite:path/to/file.db"'
    assert "poison" not in message
    assert list(tmp_path.iterdir()) == []


def test_postgresql_is_named_as_missing(reactor, tmp_path):
    with pytest.raises(ConfigError, match="PostgreSQL is not available in this version"):
        reactor.wait(open_stores("postgresql:///elsinore", reactor, tmp_path))
