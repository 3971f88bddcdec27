"""What is made of a PostgreSQL url: xmppd/storage/libpq.py."""

import psycopg2
import pytest

from tests.support.stores import PumpedReactor
from xmppd.storage.libpq import read_url, resolved


def target(url):
    return read_url(url, "my.toml")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql:///elsinore", "postgresql:///elsinore"),
        ("postgresql://hamlet:poison@dk.example:5433/elsinore", "hamlet@dk.example:5433/elsinore"),
        ("postgres://hamlet@/elsinore?host=%2Frun&password=poison", "hamlet@/run/elsinore"),
    ],
)
def test_a_database_is_named_without_its_password(url, shown):
    assert str(target(url)).endswith(shown)
    assert "poison" not in str(target(url))


def test_what_an_error_says_is_one_line_without_the_password():
    error = psycopg2.OperationalError("no\n\tpoison for claudius\n")
    assert target("postgresql://claudius:poison@/x").words_of(error) == "no … for claudius"
    assert target("postgresql://claudius@/x").words_of(error) == "no poison for claudius"


def test_a_url_may_say_otherwise_than_the_defaults():
    options = target("postgresql:///x?application_name=ghost&keepalives_idle=60").options
    assert (options["application_name"], options["keepalives_idle"]) == ("ghost", "60")
    assert options["client_encoding"] == "UTF8"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///elsinore",
        "postgresql:///elsinore?host=%2Frun",
        "postgresql://dk.example/elsinore?hostaddr=192.0.2.1",
    ],
)
def test_where_there_is_no_name_nothing_is_looked_up(url, monkeypatch):
    for variable in ("PGHOST", "PGHOSTADDR"):
        monkeypatch.delenv(variable, raising=False)
    asked = target(url)
    assert PumpedReactor().wait(resolved(asked, None)) == asked.options


def test_names_are_looked_up_and_each_address_keeps_its_port(monkeypatch):
    known = {"a.example": ["192.0.2.1", "192.0.2.2"], "b.example": ["2001:db8::1"]}

    def getaddrinfo(host, port, type):  # noqa: A002
        return [(None, type, 0, "", (address, 0)) for address in known[host]]

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    reactor = PumpedReactor()
    found = reactor.wait(resolved(target("postgresql://a.example:1,b.example:2/x"), reactor))
    assert found["host"] == "a.example,a.example,b.example"
    assert found["hostaddr"] == "192.0.2.1,192.0.2.2,2001:db8::1"
    assert found["port"] == "1,1,2"


def test_a_name_that_is_not_found_is_left_to_libpq(monkeypatch):
    def getaddrinfo(host, port, type):  # noqa: A002
        raise OSError

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    reactor, asked = PumpedReactor(), target("postgresql://elsinore.example/x")
    assert reactor.wait(resolved(asked, reactor)) == asked.options
