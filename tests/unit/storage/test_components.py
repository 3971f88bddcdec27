"""Contract of `components.SQLComponents`, over every backend: what waits for components."""

import pytest

from xmppd.errors import StoreError
from xmppd.jid import JID
from xmppd.storage.components import SQLComponents, Waiting

ROOMS, MOON = "rooms.capulet.lit", "moon.capulet.lit"
JULIET, ROMEO = JID.parse("juliet@capulet.lit"), JID.parse("romeo@capulet.lit")


@pytest.fixture
def components(backend):
    return SQLComponents(backend.open())


def message(number, component=ROOMS, text="<message/>"):
    return Waiting(component, number, 1602.5, text.encode())


def test_what_waits_reads_back_by_component_in_order(wait, components):
    waiting = [message(3), message(1, MOON, "<message>Ω\x01</message>"), message(2)]
    for each in waiting:
        wait(components.put(each))
    assert wait(components.all()) == [waiting[1], waiting[2], waiting[0]]


def test_what_is_forgotten_does_not_wait_any_more(wait, components):
    for each in (message(1), message(2), message(1, MOON)):
        wait(components.put(each))
    wait(components.forget(ROOMS, 1))
    wait(components.forget(ROOMS, 7))
    assert wait(components.all()) == [message(1, MOON), message(2)]


def test_a_number_is_one_messages(wait, components):
    wait(components.put(message(1)))
    with pytest.raises(StoreError):
        wait(components.put(message(1, text="<message>other</message>")))
    assert wait(components.all()) == [message(1)]


def test_a_component_has_to_forget_an_account_until_it_has(wait, components):
    wait(components.erase((ROOMS, MOON), JULIET))
    wait(components.erase((ROOMS,), ROMEO))
    wait(components.erase((ROOMS,), ROMEO))
    assert wait(components.erasures(ROOMS, 10)) == [JULIET, ROMEO]
    assert wait(components.erasures(ROOMS, 1)) == [JULIET]
    wait(components.erased(ROOMS, JULIET))
    assert wait(components.erasures(ROOMS, 10)) == [ROMEO]
    assert wait(components.erasures(MOON, 10)) == [JULIET]


def test_what_waits_is_there_when_the_store_is_opened_again(persistent):
    wait = persistent.reactor.wait
    database = persistent.open()
    components = SQLComponents(database)
    wait(components.put(message(1)))
    wait(components.erase((ROOMS,), JULIET))
    wait(database.close())
    components = SQLComponents(persistent.open())
    assert wait(components.all()) == [message(1)]
    assert wait(components.erasures(ROOMS, 10)) == [JULIET]
