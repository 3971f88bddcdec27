"""Contract of `keys.SQLKeys`, over every backend."""

import pytest

from components.muc.store.keys import OCTETS, SQLKeys
from components.muc.store.rooms import SCHEMA
from tests.support.stores import PERSISTENT


def test_a_secret_is_made_once(wait, database):
    keys = SQLKeys(database)
    secret = wait(keys.key("occupants"))
    assert type(secret) is bytes
    assert len(secret) == OCTETS
    assert wait(keys.key("occupants")) == secret
    assert wait(keys.key("others")) != secret


@pytest.mark.parametrize("backend", PERSISTENT, indirect=True)
def test_the_next_process_has_the_same(backend, database):
    secret = backend.reactor.wait(SQLKeys(database).key("occupants"))
    assert backend.reactor.wait(SQLKeys(backend.open(SCHEMA)).key("occupants")) == secret
