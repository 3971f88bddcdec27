"""Private XML Storage (XEP-0049), and the bookmarks (XEP-0048) that are kept in it."""

import pytest

from tests.support.frames import infoset, read_by_lxml
from tests.support.people import ROMEO
from tests.support.server import DOMAIN, Verona, condition
from xmppd import ns

PREFS = "<exodus xmlns='exodus:prefs'><defaultnick>Hamlet</defaultnick></exodus>"
EMPTY = "<exodus xmlns='exodus:prefs'/>"
BOOKMARKS = (
    "<storage xmlns='storage:bookmarks'>"
    "<conference name='The Play&apos;s the Thing' autojoin='true'"
    " jid='theplay@conference.shakespeare.lit'><nick>JC</nick></conference>"
    "<url name='Complete Works' url='http://the-tech.mit.edu/?a=1&amp;b=2'/></storage>"
)


def query(*elements):
    return f"<query xmlns='{ns.PRIVATE}'>{''.join(elements)}</query>"


def put(client, *elements):
    answer = client.ask(query(*elements), "set")
    assert (answer.get("type"), len(answer)) == ("result", 0), condition(answer)


def got(client, *elements):
    """The elements of the answer, as values that compare."""
    answer = client.ask(query(*elements))
    assert answer.get("type") == "result", condition(answer)
    assert [child.tag for child in answer] == [f"{{{ns.PRIVATE}}}query"]
    return [infoset(child) for child in answer[0]]


def meant(element):
    """What an element means, by the reading of another parser than the server's."""
    return infoset(read_by_lxml(element.encode()))


def refused(answer):
    assert answer.get("type") == "error"
    return condition(answer)


def test_2_3_what_is_stored_is_got_by_any_client_of_the_user(server, juliet):
    put(juliet, PREFS)
    assert got(juliet, EMPTY) == [meant(PREFS)]
    juliet.hang_up()
    again = server.log_in("juliet", "chamber")
    assert got(again, "<exodus xmlns='exodus:prefs'>ignored</exodus>") == [meant(PREFS)]


def test_2_3_where_nothing_is_stored_the_element_is_empty(juliet):
    assert got(juliet, "<exodus xmlns='exodus:prefs' x='1'>?</exodus>") == [meant(EMPTY)]


def test_2_3_a_set_takes_the_place_of_the_one_before(juliet):
    put(juliet, PREFS)
    other = "<exodus xmlns='exodus:prefs'><sound/></exodus>"
    put(juliet, other)
    assert got(juliet, EMPTY) == [meant(other)]
    put(juliet, EMPTY)
    assert got(juliet, EMPTY) == [meant(EMPTY)]


def test_2_3_elements_of_one_namespace_are_set_and_got_together(juliet):
    one, two = "<a xmlns='urn:x'>1</a>", "<b xmlns='urn:x'/>"
    put(juliet, one, "<a xmlns='urn:x'>2</a>", "<b xmlns='urn:x' c='3'/>")
    found = got(juliet, two, one)
    assert found == [meant(e) for e in ("<b xmlns='urn:x' c='3'/>", one, "<a xmlns='urn:x'>2</a>")]


def test_xep_0048_3_bookmarks_are_kept_to_the_letter(juliet):
    put(juliet, BOOKMARKS)
    assert got(juliet, "<storage xmlns='storage:bookmarks'/>") == [meant(BOOKMARKS)]


@pytest.mark.parametrize(
    "element",
    [
        "<p:a xmlns:p='urn:x' p:b='1' b='2'><p:c/><d xmlns='urn:y'/></p:a>",
        "<a xmlns='urn:x' xml:lang='it'>\t é &lt;&amp;&gt; &#13;<b xmlns=''>1</b> tail<c/>\n</a>",
        "<a xmlns='urn:x' b='&#10;&#9;&apos;&quot;&lt;'><xml:b/></a>",
        f"<a xmlns='urn:x'><message xmlns='{ns.CLIENT}' to='x'><body>y</body></message></a>",
        f"<a xmlns='urn:x'>{'<a>' * 50}deep{'</a>' * 50}</a>",
        "<a xmlns=\"urn:'x'&amp;y\"/>",
    ],
)
def test_an_element_means_the_same_when_it_is_got(juliet, element):
    wrapped = f"<w xmlns='urn:w'>{element}</w>"
    put(juliet, wrapped)
    assert got(juliet, "<w xmlns='urn:w'/>") == [meant(wrapped)]


def test_prefixes_that_were_declared_around_the_element_are_kept(juliet):
    juliet.send(
        f"<iq type='set' id='1' xmlns:p='urn:x'><q:query xmlns:q='{ns.PRIVATE}'>"
        "<p:a p:b='1'><p:c/></p:a></q:query></iq>"
    )
    assert juliet.one().get("type") == "result"
    expected = meant("<p:a xmlns:p='urn:x' p:b='1'><p:c/></p:a>")
    assert got(juliet, "<a xmlns='urn:x'/>") == [expected]


@pytest.mark.parametrize("type_", ["get", "set"])
@pytest.mark.parametrize("to", [ROMEO, f"nobody@{DOMAIN}"])
def test_2_3_and_4_nobody_gets_or_sets_what_is_another_users(server, juliet, type_, to):
    put(server.log_in("romeo"), PREFS)
    assert refused(juliet.ask(query(EMPTY), type_, to)) == "forbidden"
    assert got(server.log_in("romeo"), EMPTY) == [meant(PREFS)]


def test_3_a_get_of_nothing_is_a_bad_request_and_a_set_of_nothing_not_acceptable(juliet):
    assert refused(juliet.ask(query())) == "bad-request"
    assert refused(juliet.ask(query(), "set")) == "not-acceptable"


def test_2_3_no_more_than_one_namespace_is_asked_for_at_once(juliet):
    assert refused(juliet.ask(query(EMPTY, "<b xmlns='urn:x'/>"))) == "bad-request"


@pytest.mark.parametrize("type_", ["get", "set"])
@pytest.mark.parametrize(
    "element",
    [
        "<exodus/>",
        "<exodus xmlns=''/>",
        "<vCard xmlns='vcard-temp'><FN>Hamlet</FN></vCard>",
        "<x xmlns='jabber:x:data'/>",
        f"<query xmlns='{ns.DISCO_INFO}'/>",
    ],
)
def test_3_no_namespace_and_a_reserved_one_are_not_acceptable(juliet, type_, element):
    assert refused(juliet.ask(query(element), type_)) == "not-acceptable"


def test_nothing_is_stored_of_a_set_that_is_refused(juliet):
    assert refused(juliet.ask(query(PREFS, "<exodus/>"), "set")) == "not-acceptable"
    assert got(juliet, EMPTY) == [meant(EMPTY)]


def test_what_an_account_stores_is_bounded():
    server = Verona(private={"elements": 2, "element_octets": 1_024, "octets": 1_500})
    juliet = server.log_in("juliet")
    for size, name in ((900, "a"), (400, "b")):
        put(juliet, f"<{name} xmlns='urn:x'>{'x' * size}</{name}>")
    large = f"<a xmlns='urn:x'>{'x' * 1_010}</a>"
    assert refused(juliet.ask(query(large), "set")) == "policy-violation"
    assert refused(juliet.ask(query("<c xmlns='urn:x'>1</c>"), "set")) == "resource-constraint"
    more = f"<b xmlns='urn:x'>{'x' * 700}</b>"
    assert refused(juliet.ask(query(more), "set")) == "resource-constraint"
    assert server.host.refusals.counts["limit.private"] == 2
    put(juliet, "<a xmlns='urn:x'/>")
    put(juliet, more)


def test_a_guest_stores_nothing():
    server = Verona(server={"domains": [DOMAIN, "guests.lit"]}, auth={"anonymous": ["guests.lit"]})
    guest = server.connect().open(to="guests.lit")
    guest.send(f"<auth xmlns='{ns.SASL}' mechanism='ANONYMOUS'>=</auth>").open(
        to="guests.lit"
    ).bind()
    assert refused(guest.ask(query(PREFS), "set")) == "not-allowed"


def test_service_discovery_names_it(juliet):
    answer = juliet.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to=DOMAIN)
    assert answer.find(f".//{{{ns.DISCO_INFO}}}feature[@var='{ns.PRIVATE}']") is not None
