"""vCards and the vCard4s in PEP: one of them as the other (XEP-0292 §4)."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring, tostring

import pytest

from components.common.instances import Epoch
from components.common.stanza import Stanza
from components.vcard import leftovers, publishing, vcard4_node
from components.vcard.pubsub import Event
from tests.support.faces import VCARD4, Faces, T, be_away, come_back, pass_time, photos
from tests.support.meeting import VCARD
from tests.support.people import JULIET, ROMEO, friends
from tests.support.server import DOMAIN, condition
from tests.support.vcards import PUBLIC, photo, picture, xcard
from xmppd import ns
from xmppd.jid import JID

NODE = "urn:xmpp:vcard4"
V = f"{{{VCARD4}}}"
HERS = picture()
FN = "<fn><text>Juliet</text></fn>"
GENDER = "<gender><sex>F</sex></gender>"


@pytest.fixture
def faces():
    faces = Faces(pep=True).start()
    friends(faces.server, JULIET, ROMEO)
    return faces


def put(faces, inner, access="open", item="current", payload=True):
    """Have juliet's own client publish a vCard4 by PEP (§4.1.2)."""
    pep = faces.pep
    if (JULIET, NODE) not in pep.nodes:
        pep.make(JULIET, NODE, access)
    items = pep.items(JULIET, NODE)
    items.clear()
    items[item] = xcard(inner)
    pep.tell(JULIET, NODE, item, tostring(items[item], "unicode") if payload else "")
    faces.pump()


def happen(faces, kind):
    inner = "<retract id='current'/>" if kind == "items" else ""
    faces.pep.tell_of(JULIET, f"<{kind} node='{NODE}'>{inner}</{kind}>")
    faces.pump()


def in_node(faces):
    """What stands in her node, by local name; None for nothing."""
    items = list(faces.pep.items(JULIET, NODE).values())
    assert len(items) < 2
    return said(items[0]) if items else None


def in_vcard(faces, client):
    """What stands in her vCard, by local name."""
    return said(faces.get(client, JULIET).find(f"{T}vCard"))


def said(element):
    if element is None:
        return None
    return {each.tag.rpartition("}")[2]: "".join(each.itertext()) for each in element}


def requests(faces):
    """What was asked of her node."""
    return [what for what, node, _ in faces.pep.seen if node == NODE]


def unpublished(faces):
    return [
        str(each.owner) for each in faces.server.done(faces.vcards.unpublished.some(NODE, "", 10))
    ]


# ---------------------------------------------------------------------- §4.1.2 from the vCard


def test_a_vcard_is_published_for_everybody(faces, juliet):
    faces.set(juliet, "<FN>Juliet</FN><TEL><NUMBER>+39-045</NUMBER></TEL>")
    assert in_node(faces) == {"fn": "Juliet", "tel": "tel:+39-045"}
    assert faces.pep.nodes[JULIET, NODE][0] == "open"
    assert list(faces.pep.items(JULIET, NODE)) == ["current"]
    assert unpublished(faces) == []


def test_so_is_a_vcard4_that_was_set_by_iq(faces, juliet):
    faces.ask(juliet, f"<vcard xmlns='{VCARD4}'>{FN}</vcard>", "set")
    assert in_node(faces) == {"fn": "Juliet"}


def test_what_comes_back_of_it_changes_nothing(faces, juliet, romeo):
    """No loop: the node says what the vCard says, a name that was made up among it."""
    for given in ("Juliet", "Jule"):
        faces.set(juliet, f"<N><GIVEN>{given}</GIVEN></N>{HERS}")
    assert requests(faces) == ["get", "set", "get", "set"], "and nobody looked again"
    assert in_vcard(faces, romeo).keys() == {"N", "PHOTO"}


def test_what_says_the_same_is_not_published_again(faces, juliet):
    faces.set(juliet, "<FN>Juliet</FN>")
    faces.pep.seen.clear()
    faces.set(juliet, "<FN>Juliet</FN><MAILER>quill</MAILER>")
    assert requests(faces) == ["get"]


def test_the_photo_is_the_business_of_avatars(faces, juliet):
    faces.set(juliet, f"<FN>Juliet</FN>{HERS}")
    assert in_node(faces) == {"fn": "Juliet"}
    put(faces, "<fn><text>J</text></fn><photo><uri>https://x.example/j.png</uri></photo>")
    assert in_vcard(faces, juliet)["FN"] == "J"
    assert faces.get(juliet).findtext(f"{T}vCard/{T}PHOTO/{T}EXTVAL") is None
    faces.set(juliet, f"<FN>Jule</FN>{HERS}")
    assert in_node(faces) == {"fn": "Jule", "photo": "https://x.example/j.png"}


def test_what_only_a_vcard4_can_say_stays_in_the_node(faces, juliet):
    put(faces, FN + GENDER, item="mine")
    faces.set(juliet, "<FN>Jule</FN>")
    assert in_node(faces) == {"fn": "Jule", "gender": "F"}
    assert list(faces.pep.items(JULIET, NODE)) == ["mine"], "it is still the same item"


def test_who_has_no_vcard_any_more_has_none_in_pep(faces, juliet):
    faces.set(juliet, "<FN>Juliet</FN>")
    faces.set(juliet, "")
    assert in_node(faces) is None
    faces.pep.seen.clear()
    faces.set(juliet, "")
    assert requests(faces) == ["get"], "there is nothing to be deleted"
    assert unpublished(faces) == []


def test_a_vcard_in_which_nothing_was_takes_nothing_from_the_node(faces, juliet):
    """It was published while nobody listened; then an old client sets an avatar."""
    faces.pep.make(JULIET, NODE, "open")
    faces.pep.items(JULIET, NODE)["current"] = xcard(FN + GENDER)
    faces.set(juliet, HERS)
    assert in_node(faces) == {"fn": "Juliet", "gender": "F"}
    assert in_vcard(faces, juliet).keys() == {"FN", "PHOTO"}
    faces.set(juliet, HERS)
    assert in_node(faces) is None, "but now he takes it away"


def test_a_vcard_that_is_cleared_while_the_service_has_no_time_is_taken_away_later(faces, juliet):
    faces.set(juliet, f"<FN>Juliet</FN>{HERS}")
    faces.pep.busy = True
    faces.set(juliet, HERS)
    faces.pep.busy = False
    assert in_node(faces) == {"fn": "Juliet"}
    pass_time(faces, leftovers.AGAIN)
    assert in_node(faces) is None


def test_nor_does_one_that_is_set_while_the_service_has_no_time(faces, juliet):
    faces.pep.make(JULIET, NODE, "open")
    faces.pep.items(JULIET, NODE)["current"] = xcard(FN + GENDER)
    faces.pep.busy = True
    faces.set(juliet, HERS)
    assert unpublished(faces) == [JULIET]
    faces.pep.busy = False
    pass_time(faces, leftovers.AGAIN)
    assert in_node(faces) == {"fn": "Juliet", "gender": "F"}
    assert unpublished(faces) == []


@pytest.mark.parametrize("access", ["presence", "whitelist"])
def test_8_a_node_for_friends_goes_its_own_way(faces, juliet, access):
    put(faces, FN + GENDER, access)
    faces.set(juliet, "<FN>Capulet's daughter</FN>")
    assert in_node(faces) == {"fn": "Juliet", "gender": "F"}
    assert faces.pep.nodes[JULIET, NODE][0] == access
    assert unpublished(faces) == []


# ---------------------------------------------------------------------- from the node


@pytest.mark.parametrize("payload", [True, False])
def test_4_2_2_what_is_published_is_in_the_vcard_and_in_the_directory(faces, juliet, payload):
    """With its payload or as a pure notification."""
    faces.set(juliet, f"<FN>Jule</FN><MAILER>quill</MAILER>{PUBLIC}{HERS}")
    put(faces, "<n><given>Giulietta</given></n><title><text>Lady</text></title>", payload=payload)
    got = in_vcard(faces, juliet)
    assert got.keys() == {"N", "TITLE", "MAILER", "CLASS", "PHOTO"}
    query = "<query xmlns='jabber:iq:search'><first>giulietta</first></query>"
    assert faces.ask(juliet, query, "set", VCARD)[0][0].get("jid") == JULIET


def test_nothing_that_was_published_is_published_again(faces, juliet):
    put(faces, FN + GENDER)
    assert requests(faces) == ["get"]
    assert in_node(faces) == {"fn": "Juliet", "gender": "F"}
    assert unpublished(faces) == []


@pytest.mark.parametrize("access", ["presence", "whitelist"])
def test_8_what_is_not_for_everybody_does_not_become_a_vcard(faces, juliet, access):
    """Even if somebody tells of it."""
    faces.set(juliet, HERS)
    put(faces, FN, access)
    assert in_vcard(faces, juliet).keys() == {"PHOTO"}


def test_presence_says_nothing_of_it(faces, juliet, romeo):
    put(faces, FN)
    assert photos(romeo.elements()) == []


@pytest.mark.parametrize("kind", ["items", "purge", "delete", "configuration"])
def test_what_is_deleted_or_only_for_friends_now_goes_out_of_the_vcard(faces, juliet, kind):
    faces.set(juliet, f"<FN>Juliet</FN><MAILER>quill</MAILER>{HERS}")
    faces.pep.seen.clear()
    if kind == "configuration":
        faces.pep.close(JULIET, NODE)
    elif kind == "delete":
        del faces.pep.nodes[JULIET, NODE]
    else:
        faces.pep.items(JULIET, NODE).clear()
    happen(faces, kind)
    assert in_vcard(faces, juliet).keys() == {"MAILER", "PHOTO"}
    assert requests(faces) == ["get"], "and nothing is published for it"


def test_a_node_that_is_opened_is_taken_and_an_empty_one_says_nothing(faces, juliet):
    faces.set(juliet, "<FN>Jule</FN>")
    faces.pep.make(JULIET, NODE, "open")
    happen(faces, "configuration")
    assert in_vcard(faces, juliet) == {"FN": "Jule"}
    faces.pep.items(JULIET, NODE)["x"] = xcard(FN)
    happen(faces, "configuration")
    assert in_vcard(faces, juliet) == {"FN": "Juliet"}


@pytest.mark.parametrize("kind", ["items", "purge", "delete", "configuration"])
def test_while_the_service_has_no_time_nothing_is_gone(faces, juliet, kind):
    faces.set(juliet, "<FN>Juliet</FN>")
    faces.pep.busy = True
    happen(faces, kind)
    assert in_vcard(faces, juliet) == {"FN": "Juliet"}


@pytest.mark.parametrize(
    "payload", [f"<vcards xmlns='{VCARD4}'/>", "<vcard xmlns='urn:x'><fn/></vcard>"]
)
def test_what_is_no_vcard4_changes_nothing(faces, juliet, payload):
    faces.set(juliet, "<FN>Juliet</FN>")
    faces.pep.items(JULIET, NODE)["current"] = fromstring(payload)
    faces.pep.tell(JULIET, NODE, "current", payload)
    faces.pump()
    assert in_vcard(faces, juliet) == {"FN": "Juliet"}


def test_what_is_too_large_for_a_vcard_changes_nothing():
    faces = Faces(pep=True, octets=4_096).start()
    juliet = faces.log_in("juliet", "balcony")
    faces.set(juliet, "<FN>Juliet</FN>")
    put(faces, f"<note><text>{'x' * 5_000}</text></note>")
    assert in_vcard(faces, juliet) == {"FN": "Juliet"}


def test_what_is_too_large_for_a_vcard4_is_not_published():
    """The server would end the stream for it."""
    faces = Faces(pep=True, octets=4_096).start()
    juliet = faces.log_in("juliet", "balcony")
    faces.set(juliet, f"<NICKNAME>{'j,' * 400}</NICKNAME>")
    assert in_node(faces) is None
    assert unpublished(faces) == []


def test_nobody_but_the_account_itself_tells_of_its_vcard(faces, juliet, romeo):
    event = "<event xmlns='http://jabber.org/protocol/pubsub#event'>"
    item = f"<items node='{NODE}'><item id='x'><vcard xmlns='{VCARD4}'>{FN}</vcard></item></items>"
    juliet.take()
    juliet.send(f"<message to='{VCARD}' type='headline'>{event}{item}</event></message>")
    faces.pump()
    assert "forbidden" in {condition(each) for each in juliet.elements()}
    assert requests(faces) == []


# ---------------------------------------------------------------------- both at once, and neither


def test_what_is_set_last_is_what_holds(faces, juliet):
    """It is in the node before that is looked at for what was published meanwhile."""
    faces.pep.slow = True
    faces.set(juliet, "<FN>J</FN>")
    faces.set(juliet, "<FN>Jule</FN>")
    put(faces, FN + GENDER)
    faces.pep.slow = False
    faces.pump()
    assert in_vcard(faces, juliet) == {"FN": "Jule"}
    assert in_node(faces) == {"fn": "Jule", "gender": "F"}


def test_so_is_what_is_published_last(faces, juliet, monkeypatch):
    """Though what was set before it is not known to be published yet."""
    publish = faces.pep._publish

    def and_then(*args):
        monkeypatch.undo()
        answer = publish(*args)
        put(faces, FN + GENDER)
        return answer

    monkeypatch.setattr(faces.pep, "_publish", and_then)
    faces.set(juliet, "<FN>Jule</FN>")
    assert in_vcard(faces, juliet) == {"FN": "Juliet"}
    assert in_node(faces) == {"fn": "Juliet", "gender": "F"}


def test_of_what_waits_nothing_is_forgotten():
    set_, told = (
        vcard4_node._Work(publish=True),
        vcard4_node._Work(event=Event(NODE, "items", None)),
    )
    both = vcard4_node._Work(publish=True, event=told.event)
    assert vcard4_node._join(set_, told) == vcard4_node._join(told, set_) == both


@pytest.mark.parametrize(
    "payload",
    ["<vCard xmlns='vcard-temp'><FN>Juliet</FN></vCard>", f"<vcard xmlns='{VCARD4}'>{FN}</vcard>"],
)
def test_what_is_set_is_noted_until_it_is_published(faces, juliet, payload):
    """Whatever becomes of the process meanwhile."""
    faces.pep.slow = True
    faces.ask(juliet, payload, "set")
    assert unpublished(faces) == [JULIET]
    faces.pep.slow = False
    faces.pump()
    assert unpublished(faces) == []


def test_what_is_set_while_the_service_is_away_is_published_later(faces, juliet):
    pass_time(faces, publishing.FIRST)
    be_away(faces)
    assert faces.set(juliet, "<FN>Juliet</FN>").get("type") == "result"
    assert unpublished(faces) == [JULIET]
    come_back(faces)
    pass_time(faces, leftovers.AGAIN)
    assert in_node(faces) == {"fn": "Juliet"}
    assert unpublished(faces) == []


def test_and_once_there_is_a_stream_again(faces, juliet):
    faces.pep.busy = True
    faces.set(juliet, "<FN>Juliet</FN>")
    assert unpublished(faces) == [JULIET]
    faces.component.link.session.id = ""
    faces.cut()
    faces.come_back()
    faces.pep.busy = False
    pass_time(faces, publishing.FIRST)
    assert in_node(faces) == {"fn": "Juliet"}
    assert unpublished(faces) == []


def test_what_is_refused_is_not_tried_again(faces, juliet):
    faces.pep.refusal = "not-acceptable"
    faces.set(juliet, "<FN>Juliet</FN>")
    assert unpublished(faces) == []


def test_of_a_service_that_is_away_not_everybody_asks(faces, juliet, romeo, monkeypatch):
    be_away(faces)
    for client in (juliet, romeo):
        faces.set(client, "<FN>J</FN>")
    asked = []
    ask = faces.component.ask

    def noted(to, *args, **more):
        asked.append(str(to))
        return ask(to, *args, **more)

    monkeypatch.setattr(faces.component, "ask", noted)
    monkeypatch.setattr(leftovers, "AT_A_TIME", 1)
    pass_time(faces, 2 * leftovers.AGAIN)
    assert asked == [JULIET, JULIET]
    assert unpublished(faces) == [JULIET, ROMEO]


def test_what_is_left_is_published_by_the_instance_whose_business_it_is(faces, juliet, monkeypatch):
    """No other one has her vCard in memory."""
    monkeypatch.setattr(leftovers, "AGAIN", 20.0)
    faces.pep.busy = True
    faces.set(juliet, "<FN>Juliet</FN>")
    faces.pep.busy = False
    names = ("a", "b")
    others = next(name for name in names if Epoch(9, name, names).owner(JID.parse(JULIET)) != name)
    be_instance(faces, 9, others, names)
    pass_time(faces, 30, step=0.5)
    assert in_node(faces) is None
    be_instance(faces, 10, others, (others,))
    pass_time(faces, 30, step=0.5)
    assert in_node(faces) == {"fn": "Juliet"}


def be_instance(faces, number, name, names):
    """Have the server say which instances there are."""
    inner = "".join(f"<instance name='{each}'/>" for each in names)
    said = f"<instances xmlns='{ns.INSTANCES}' epoch='{number}' self='{name}'>{inner}</instances>"
    attrs = {"type": "set", "id": "i", "from": DOMAIN, "to": VCARD}
    # Not by the stream, which counts what comes by it.
    faces.component.received(Stanza("iq", attrs, [f"{ns.INSTANCES} instances"], said.encode()))
    faces.pump()


def test_who_is_removed_has_nothing_left_though_something_was_on_its_way(faces, juliet):
    faces.pep.slow = True
    faces.pep.make(JULIET, NODE, "open")
    put(faces, FN, payload=False)
    removing = faces.server.host.administrator.remove(JID.parse(JULIET))
    faces.pump()
    faces.pep.slow = False
    faces.pump()
    faces.server.done(removing)
    assert faces.server.done(faces.vcards.get(JID.parse(JULIET))) is None
    assert unpublished(faces) == []


def test_without_the_grant_nothing_is_published_and_nothing_asked():
    faces = Faces().start()
    juliet = faces.log_in("juliet", "balcony")
    assert faces.set(juliet, "<FN>Juliet</FN>").get("type") == "result"
    faces.server.clock.advance(publishing.FIRST + 1)
    assert len(faces.component.requests) == 0
    assert unpublished(faces) == [JULIET]


def features(faces, client, to):
    (query,) = faces.ask(client, f"<query xmlns='{ns.DISCO_INFO}'/>", to=to)
    return {each.get("var") for each in query}


def test_it_wants_to_be_told_and_can_be_turned_off(faces, juliet):
    assert f"{NODE}+notify" in features(faces, juliet, VCARD)
    off = Faces(pep=True, vcard4_node=False).start()
    juliet = off.log_in("juliet", "balcony")
    assert f"{NODE}+notify" not in features(off, juliet, VCARD)
    off.set(juliet, "<FN>Juliet</FN>")
    put(off, "<fn><text>Jule</text></fn>")
    assert in_vcard(off, juliet) == {"FN": "Juliet"}
    assert requests(off) == []
    assert unpublished(off) == []


def test_the_avatar_and_the_vcard_are_both_in_pep(faces, juliet):
    faces.set(juliet, f"<FN>Juliet</FN>{HERS}")
    assert photo().hash in faces.pep.items(JULIET, "urn:xmpp:avatar:data")
    assert in_node(faces) == {"fn": "Juliet"}
