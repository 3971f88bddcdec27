"""Servers of other makes that the tests of federation share, and the internet that they are on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

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
