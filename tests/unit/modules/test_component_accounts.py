"""Accounts that are removed are forgotten by components, too."""

import pytest
from twisted.internet.defer import Deferred

from tests.support.components import SECRET, Component, table
from tests.support.server import Verona
from xmppd import ns
from xmppd.jid import JID

VCARD, MOON = "vcard.capulet.lit", "moon.capulet.lit"
JULIET, ROMEO = JID.parse("juliet@capulet.lit"), JID.parse("romeo@capulet.lit")


def tables(**grants):
    return {VCARD: table(**(grants or {"delegation": {"vcard-temp": ()}})), MOON: table()}


@pytest.fixture
def server():
    return Verona(components=tables())


def connect(server, domain=VCARD):
    component = Component(server, domain).open().prove(SECRET)
    assert not component.closed
    return component


def told(component):
    """The requests to forget an account, by account."""
    return {
        each[0].get("jid"): each
        for each in component.elements()
        if len(each) and each[0].tag == f"{{{ns.ACCOUNTS}}}removed"
    }


def answer(component, request, type_="result", content=""):
    component.send(
        f"<iq type='{type_}' id='{request.get('id')}' to='{request.get('from')}'>{content}</iq>"
    )


def refuse(component, request, condition):
    error = f"<{condition} xmlns='{ns.STANZA_ERRORS}'/>"
    answer(component, request, "error", f"<error type='cancel'>{error}</error>")


def remove(server, account):
    server.done(server.host.administrator.remove(account))


def test_a_component_is_told_and_when_it_has_forgotten_never_again(server):
    vcard = connect(server)
    remove(server, JULIET)
    request = told(vcard)[JULIET]
    assert (request.get("type"), request.get("from")) == ("set", "capulet.lit")
    answer(vcard, request)
    assert told(connect(server)) == {}


def test_who_is_away_is_told_when_it_comes(server):
    remove(server, JULIET)
    assert list(told(connect(server))) == [JULIET]


def test_who_dies_before_it_has_forgotten_is_told_again(server):
    vcard = connect(server)
    remove(server, JULIET)
    vcard.hang_up()
    assert list(told(connect(server))) == [JULIET]


def test_even_by_a_server_that_was_killed_meanwhile(server):
    remove(server, JULIET)
    assert list(told(connect(Verona(after=server, components=tables())))) == [JULIET]


def test_one_after_the_other(server):
    vcard = connect(server)
    remove(server, JULIET)
    remove(server, ROMEO)
    (first,) = told(vcard).values()
    answer(vcard, first)
    (second,) = told(vcard).values()
    assert {first[0].get("jid"), second[0].get("jid")} == {JULIET, ROMEO}
    answer(vcard, second)
    assert told(connect(server)) == {}


def test_it_is_told_before_it_is_handed_anything_of_an_account_made_again(server):
    remove(server, JULIET)
    server.account("juliet")
    juliet = server.log_in("juliet")
    vcard = connect(server)
    juliet.send("<iq type='get' id='v'><vCard xmlns='vcard-temp'/></iq>")
    names = [each[0].tag for each in vcard.elements() if len(each)]
    delegated = f"{{{ns.DELEGATION}}}delegation"
    assert names.index(f"{{{ns.ACCOUNTS}}}removed") < len(names) - names[::-1].index(delegated) - 1


def test_who_knows_nothing_of_it_keeps_nothing(server):
    vcard = connect(server)
    remove(server, JULIET)
    refuse(vcard, told(vcard)[JULIET], "service-unavailable")
    assert told(connect(server)) == {}


def test_who_can_not_now_is_told_again(server):
    vcard = connect(server)
    remove(server, JULIET)
    refuse(vcard, told(vcard)[JULIET], "internal-server-error")
    assert list(told(connect(server))) == [JULIET]


def test_who_says_nothing_is_told_again(server):
    vcard = connect(server)
    remove(server, JULIET)
    server.clock.pump([10] * 31)
    vcard.take()
    assert list(told(connect(server))) == [JULIET]


@pytest.mark.parametrize(
    "grants",
    [
        {"roster": "get"},
        {"message": "outgoing"},
        {"presence": "managed_entity"},
        {"iq": {"urn:q": "get"}},
    ],
)
def test_who_is_granted_anything_of_accounts_is_told(grants):
    server = Verona(components=tables(**grants))
    remove(server, JULIET)
    assert list(told(connect(server))) == [JULIET]


def test_who_is_granted_nothing_of_them_is_not(server):
    remove(server, JULIET)
    assert told(connect(server, MOON)) == {}


def test_nor_who_is_granted_it_elsewhere():
    domains = ["capulet.lit", "montague.lit"]
    grants = {"delegation": {"vcard-temp": ()}, "domains": ["montague.lit"]}
    server = Verona(server={"domains": domains}, components=tables(**grants))
    remove(server, JULIET)
    assert told(connect(server)) == {}


def test_each_instance_is_told():
    """The one that has the account in memory, too."""
    several = table(instances=2, delegation={"vcard-temp": ()})
    server = Verona(components={VCARD: several})
    components = [Component(server, VCARD).log_in(name) for name in "ab"]
    remove(server, JULIET)
    for component in components:
        request = told(component)[JULIET]
        answer(component, request)
    assert told(Component(server, VCARD).open(**{"from": f"{VCARD}/a"}).prove(SECRET)) == {}


def test_it_does_not_depend_on_how_many_requests_of_users_wait(server, monkeypatch):
    monkeypatch.setattr("xmppd.core.requests.MOST", 0)
    vcard = connect(server)
    remove(server, JULIET)
    assert list(told(vcard)) == [JULIET]


def test_one_that_is_removed_while_the_last_was_forgotten_is_told(server, monkeypatch):
    """The store was asked for more, and had answered that there is none."""
    vcard = connect(server)
    store, asked = server.host.stores.components, []
    read = store.erasures

    def erasures(component, limit):
        asked.append(Deferred())
        return asked[-1]

    monkeypatch.setattr(store, "erasures", erasures)
    remove(server, JULIET)
    answered = asked[0]
    remove(server, ROMEO)
    monkeypatch.setattr(store, "erasures", read)
    answered.callback([])
    assert list(told(vcard)) == [JULIET]
