"""Servers that tests share: those of other makes and their internet, one with an HTTP gateway."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import count
from typing import TypeVar

import pytest

from tests.e2e.verona import VERONA, running
from tests.support.coroutines import pytest_pyfunc_call as pytest_pyfunc_call
from tests.support.federated_ejabberd import FederatedEjabberd, absence_of_ejabberd
from tests.support.federated_prosody import (
    BidirectionalProsody,
    FederatedProsody,
    absence_of_prosody,
)
from tests.support.federated_xmppd import FederatedXmppd
from tests.support.federation import Federated, Foreign, serving
from tests.support.internet import Internet
from tests.support.web_peers import Web

Made = TypeVar("Made", bound=Federated)


@pytest.fixture(scope="session")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    with Internet(tmp_path_factory.mktemp("internet")) as made:
        yield made


def shared(
    make: type[Made], absence: Callable[[], str] = lambda: "", *, plain: bool = False
) -> Callable[[Internet, pytest.TempPathFactory], Iterator[Made]]:
    """A fixture: a server that runs until all tests are done; they skip where there is none."""

    def serve(internet: Internet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
        if absent := absence():
            pytest.skip(absent)
        server = make(internet, tmp_path_factory.mktemp(make.name), plain=plain)
        with serving(server):
            yield server

    return pytest.fixture(scope="session", name=f"plain_{make.name}" if plain else make.name)(serve)


xmppd = shared(FederatedXmppd)
prosody = shared(FederatedProsody, absence_of_prosody)
ejabberd = shared(FederatedEjabberd, absence_of_ejabberd)
bidirectional = shared(BidirectionalProsody, absence_of_prosody)
plain_prosody = shared(FederatedProsody, absence_of_prosody, plain=True)
plain_ejabberd = shared(FederatedEjabberd, absence_of_ejabberd, plain=True)


@pytest.fixture(params=["prosody", "ejabberd"])
def peer(request: pytest.FixtureRequest) -> Foreign:
    """A server of another make, each in turn."""
    server: Foreign = request.getfixturevalue(request.param)
    return server


@pytest.fixture(params=["plain_prosody", "plain_ejabberd"])
def plain_peer(request: pytest.FixtureRequest) -> Foreign:
    """One that has no TLS."""
    server: Foreign = request.getfixturevalue(request.param)
    return server


# ---------------------------------------------------------------------- an HTTP gateway

GATEWAY = {
    "listen": ["tcp:0:interface=127.0.0.1"],
    "body_octets": 65_536,
    "inactivity": 5,
    "polling": 2,
    "maxpause": 9,
    "streams": 2,
    "routes": ["xmpp:capulet.lit:5222"],
}


@pytest.fixture(scope="session")
def gateway_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where the gateway of a server listens, behind a proxy that tells who its clients are."""
    tables = {
        "bundled": {"start": True, "off": ["vcard", "muc", "pubsub"]},
        "bundled.settings.bosh": GATEWAY,
    }
    people = [f"{name}@{VERONA}" for name in ("juliet", "romeo", "nurse")]
    with running(tmp_path_factory.mktemp("gateway"), tables, people) as server:
        server.process.wait_for(f"component http.{VERONA} is connected")
        log = server.process.wait_for("bosh.listen listens on")
        listens = re.search(r"bosh\.listen listens on \S+:(\d+)", log)
        assert listens is not None
        yield int(listens[1])


ADDRESSES = count(1)


@pytest.fixture
def web(gateway_port: int) -> Web:
    """The gateway, for clients of an address that was not there before."""
    address = f"198.51.{'.'.join(map(str, divmod(next(ADDRESSES), 256)))}"
    told = {"X-Forwarded-For": address, "X-Forwarded-Proto": "https"}
    return Web(gateway_port, VERONA, headers=told)
