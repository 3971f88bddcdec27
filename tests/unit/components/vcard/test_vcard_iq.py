"""Users' vCards by IQ (XEP-0054), through the server."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from tests.support.faces import GET, TEMP, Faces, T
from tests.support.meeting import VCARD
from tests.support.people import JULIET, C
from tests.support.server import DOMAIN, condition
from tests.support.vcards import picture, png
from xmppd import ns
from xmppd.jid import JID

NOBODY = f"nobody@{DOMAIN}"


@pytest.fixture
def faces() -> Faces:
    return Faces().start()


@pytest.fixture
def juliet(faces):
    return faces.log_in("juliet", "balcony")


@pytest.fixture
def romeo(faces):
    return faces.log_in("romeo", "orchard")


def name(answer: Element) -> str | None:
    """The full name in a vCard that was got."""
    assert answer.get("type") == "result", condition(answer)
    return answer.findtext(f"{T}vCard/{T}FN")


def anonymous(answer: Element) -> tuple[object, ...]:
    """All that an error says but for who was asked."""
    shown = {key: value for key, value in answer.attrib.items() if key != "from"}
    error = answer.find(f"{C}error")
    assert error is not None
    return shown, error.attrib, [(child.tag, child.text) for child in error]


@pytest.mark.parametrize("to", ["", JULIET])
def test_3_1_one_gets_what_one_has_set(faces, juliet, to):
    done = faces.set(juliet, "<FN>Juliet</FN>", to)
    assert (done.get("type"), len(done)) == ("result", 0)
    assert name(faces.get(juliet, to)) == "Juliet"


def test_3_1_who_has_none_gets_an_empty_one(faces, juliet):
    answer = faces.get(juliet)
    (vcard,) = answer
    assert (answer.get("type"), vcard.tag, len(vcard)) == ("result", f"{T}vCard", 0)


def test_3_2_an_empty_one_takes_it_away(faces, juliet, romeo):
    faces.set(juliet, "<FN>Juliet</FN>")
    assert faces.set(juliet, "").get("type") == "result"
    assert condition(faces.get(romeo, JULIET)) == "service-unavailable"


@pytest.mark.parametrize("there", [True, False])
def test_3_3_others_get_it_whether_its_owner_is_there_or_not(faces, juliet, romeo, there):
    faces.set(juliet, "<FN>Juliet</FN>")
    if not there:
        juliet.send("</stream:stream>")
    assert name(faces.get(romeo, JULIET)) == "Juliet"


def test_3_3_nobody_learns_who_has_an_account(faces, romeo):
    """Not from the error, and not from an error of the server's own."""
    without, nobody = (anonymous(faces.get(romeo, who)) for who in (JULIET, NOBODY))
    assert without == nobody
    assert condition(faces.get(romeo, JULIET)) == "service-unavailable"


@pytest.mark.parametrize("to", [JULIET, NOBODY, DOMAIN])
def test_3_2_nobody_sets_another_ones(faces, juliet, romeo, to):
    faces.set(juliet, "<FN>Juliet</FN>")
    assert condition(faces.set(romeo, "<FN>Rosaline</FN>", to)) == "forbidden"
    assert name(faces.get(juliet)) == "Juliet"
    assert condition(faces.get(romeo, NOBODY)) == "service-unavailable"


def test_what_a_client_puts_around_it_is_not_believed(faces, juliet, romeo):
    """A delegated request counts when the server sends it, and then who it says has sent it."""
    forged = (
        f"<delegation xmlns='urn:xmpp:delegation:2'><forwarded xmlns='urn:xmpp:forward:0'>"
        f"<iq xmlns='jabber:client' type='set' id='x' from='{JULIET}/balcony' to='{JULIET}'>"
        f"<vCard xmlns='{TEMP}'><FN>Rosaline</FN></vCard></iq></forwarded></delegation>"
    )
    assert condition(faces.ask(romeo, forged, "set", VCARD)) == "forbidden"
    assert name(faces.get(juliet)) is None


@pytest.mark.parametrize(
    ("inner", "refused", "reason"),
    [
        (f"<FN>{'x' * 5_000}</FN>", "policy-violation", "limit.vcard"),
        (picture(png(filling=b"x" * 1_000)), "policy-violation", "limit.photo"),
        (picture(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "not-acceptable", "vcard.photo"),
        ("<PHOTO><BINVAL>***</BINVAL></PHOTO>", "bad-request", "vcard.photo"),
    ],
)
def test_what_is_too_large_or_no_vcard_changes_nothing(inner, refused, reason):
    faces = Faces(octets=4_096, photo_octets=500).start()
    juliet = faces.log_in("juliet", "balcony")
    faces.set(juliet, "<FN>Juliet</FN>")
    assert condition(faces.set(juliet, inner)) == refused
    assert faces.component.counts[reason] == 1
    assert name(faces.get(juliet)) == "Juliet"


def test_an_element_that_only_looks_like_one_is_refused(faces, juliet):
    answer = faces.ask(juliet, f"<vcard xmlns='{TEMP}'><FN>x</FN></vcard>", "set")
    assert condition(answer) == "service-unavailable"
    two = faces.ask(juliet, GET * 2, "set")
    assert condition(two) == "bad-request"


def test_names_with_prefixes_are_the_same_names(faces, juliet, romeo):
    payload = f"<v:vCard xmlns:v='{TEMP}'><v:FN>Juliet</v:FN><x xmlns='urn:x' v:a='1'/></v:vCard>"
    assert faces.ask(juliet, payload, "set").get("type") == "result"
    got = faces.get(romeo, JULIET)
    assert name(got) == "Juliet"
    assert got[0][1].tag == "{urn:x}x" and got[0][1].get(f"{T}a") == "1"


def test_accounts_and_the_server_say_that_they_have_vcards(faces, juliet):
    """XEP-0054 §4, by XEP-0355 §7.2."""
    for to in (DOMAIN, JULIET):
        asked = faces.ask(juliet, "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=to)
        features = {each.get("var") for each in asked[0]}
        assert {TEMP, "urn:ietf:params:xml:ns:vcard-4.0"} <= features
        assert "urn:xmpp:pep-vcard-conversion:0" not in features


def test_without_the_component_the_error_comes_at_once(faces, juliet):
    faces.cut()
    juliet.send(f"<iq type='get' id='1'>{GET}</iq>")
    assert condition(juliet.one()) == "service-unavailable"


def test_what_another_process_has_changed_is_read_once_the_stream_is_a_new_one(faces, juliet):
    faces.set(juliet, "<FN>Juliet</FN>")
    faces.get(juliet)
    store = faces.vcards._vcards._store
    faces.server.done(store.edit(JID.parse(JULIET), lambda stored: None, now=0.0))
    assert name(faces.get(juliet)) == "Juliet"
    faces.component.link.session.id = ""
    faces.cut()
    faces.come_back()
    assert name(faces.get(juliet)) is None


def test_the_component_has_a_vcard_itself(faces, romeo):
    assert name(faces.get(romeo, VCARD)) == "User Search"


def test_who_is_removed_has_none_any_more_nor_has_who_takes_the_name(faces, juliet, romeo):
    faces.set(juliet, f"<FN>Juliet</FN>{picture()}")
    server = faces.server
    removing = server.host.administrator.remove(JID.parse(JULIET))
    faces.pump()
    server.done(removing)
    assert condition(faces.get(romeo, JULIET)) == "service-unavailable"
    server.account("juliet")
    again = faces.log_in("juliet", "balcony")
    assert name(faces.get(again)) is None


def test_other_instances_may_have_changed_what_becomes_its_own(faces, juliet):
    """(docs/writing-a-component.md)"""
    faces.set(juliet, "<FN>Juliet</FN>")
    store = faces.vcards._vcards._store
    faces.server.done(store.edit(JID.parse(JULIET), lambda stored: None, now=0.0))
    names = "<instance name='a'/><instance name='b'/>"
    said = f"<instances xmlns='{ns.INSTANCES}' epoch='9' self='a'>{names}</instances>"
    request = f"<iq type='set' id='i' from='{DOMAIN}' to='{VCARD}'>{said}</iq>"
    faces.line.protocol.dataReceived(request.encode())
    assert name(faces.get(juliet)) is None
