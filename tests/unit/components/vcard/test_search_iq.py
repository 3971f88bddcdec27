"""The search for users by IQ (XEP-0055), with pages (XEP-0059)."""

from __future__ import annotations

import pytest

from tests.support.components import Component, table
from tests.support.faces import Faces
from tests.support.meeting import VCARD
from tests.support.people import JULIET, ROMEO
from tests.support.server import condition
from tests.support.vcards import person
from xmppd import ns
from xmppd.jid import JID

S = "{jabber:iq:search}"
X = f"{{{ns.DATA_FORM}}}"
R = "{http://jabber.org/protocol/rsm}"
MOON = "moon.lit"


def search(inner: str) -> str:
    return f"<query xmlns='jabber:iq:search'>{inner}</query>"


def form(**fields: str) -> str:
    said = {"FORM_TYPE": "jabber:iq:search", **fields}
    inner = "".join(f"<field var='{v}'><value>{t}</value></field>" for v, t in said.items())
    return search(f"<x xmlns='{ns.DATA_FORM}' type='submit'>{inner}</x>")


def verona(**table_: object) -> Faces:
    faces = Faces(others={MOON: table()}, **table_).start()
    for name, family in (("juliet", "Capulet"), ("tybalt", "Capulet"), ("romeo", "Montague")):
        vcard = person(name.title(), family, name[:3])
        faces.server.done(faces.vcards.set(JID.parse(f"{name}@capulet.lit"), vcard))
    return faces


@pytest.fixture
def faces():
    return verona()


@pytest.fixture
def romeo(faces):
    return faces.log_in("romeo", "orchard")


def found(answer) -> list[str]:
    assert answer.get("type") == "result", condition(answer)
    return [item.get("jid") for item in answer.iter(f"{S}item")]


def test_2_1_it_tells_by_what_one_may_search(faces, romeo):
    (query,) = faces.ask(romeo, search(""), to=VCARD)
    names = [child.tag.removeprefix(S) for child in query]
    assert names[:5] == ["instructions", "first", "last", "nick", "email"]
    assert query.find(f"{X}x").get("type") == "form"


def test_2_1_it_finds_who_matches(faces, romeo):
    answer = faces.ask(romeo, search("<last>capulet</last>"), "set", VCARD)
    assert found(answer) == [JULIET, "tybalt@capulet.lit"]
    assert answer[0][0].findtext(f"{S}first") == "Juliet"


@pytest.mark.parametrize("asked", [search("<last>Escalus</last>"), form(last="Escalus")])
def test_2_1_nobody_is_an_empty_answer(faces, romeo, asked):
    (query,) = faces.ask(romeo, asked, "set", VCARD)
    assert (query.tag, len(query)) == (f"{S}query", 0)


def test_3_a_form_is_answered_by_a_form(faces, romeo):
    answer = faces.ask(romeo, form(fn="", last="Mont*"), "set", VCARD)
    rows = [
        {field.get("var"): field.findtext(f"{X}value") for field in item}
        for item in answer.iter(f"{X}item")
    ]
    assert [(row["jid"], row["last"]) for row in rows] == [(ROMEO, "Montague")]


def test_0059_it_comes_in_pages(faces, romeo):
    page = "<set xmlns='http://jabber.org/protocol/rsm'><max>1</max>{}</set>"
    first = faces.ask(romeo, search("<last>Capulet</last>" + page.format("")), "set", VCARD)
    assert found(first) == [JULIET]
    assert first[0].find(f"{R}set/{R}count").text == "2"
    more = page.format(f"<after>{JULIET}</after>")
    second = faces.ask(romeo, search("<last>Capulet</last>" + more), "set", VCARD)
    assert found(second) == ["tybalt@capulet.lit"]


@pytest.mark.parametrize(
    ("payload", "refused"),
    [
        (search(""), "not-acceptable"),
        (search("<last> * </last>"), "not-acceptable"),
        (form(first=""), "not-acceptable"),
        (search(f"<x xmlns='{ns.DATA_FORM}' type='cancel'/>"), "bad-request"),
        (
            search("<last>C*</last><set xmlns='http://jabber.org/protocol/rsm'><max>x</max></set>"),
            "bad-request",
        ),
        (
            search(
                "<last>C*</last><set xmlns='http://jabber.org/protocol/rsm'><after>@</after></set>"
            ),
            "item-not-found",
        ),
    ],
)
def test_what_is_no_search_is_refused(faces, romeo, payload, refused):
    assert condition(faces.ask(romeo, payload, "set", VCARD)) == refused


@pytest.mark.parametrize("text", ["' OR 1=1 --", "%", "_uliet", "a\\", "!%"])
def test_nothing_in_a_text_means_more_than_itself(faces, romeo, text):
    assert found(faces.ask(romeo, search(f"<first>{text}*</first>"), "set", VCARD)) == []


def test_strangers_may_not_search_unless_everybody_may():
    for who, refused in (("users", "forbidden"), ("everybody", "")):
        faces = verona(search=who)
        moon = Component(faces.server, MOON).log_in()
        for type_, payload in (("get", search("")), ("set", search("<last>C*</last>"))):
            moon.send(f"<iq type='{type_}' id='1' from='man@{MOON}' to='{VCARD}'>{payload}</iq>")
            faces.pump()
            assert condition(moon.one()) == refused


def test_a_server_elsewhere_may_not_search_more_often_by_having_more_users():
    faces = verona(search="everybody", searches_per_minute=2)
    moon = Component(faces.server, MOON).log_in()

    def refused(sender: str) -> str:
        moon.send(
            f"<iq type='set' id='1' from='{sender}' to='{VCARD}'>{search('<last>C*</last>')}</iq>"
        )
        faces.pump()
        return condition(moon.one())

    answers = [refused(f"man{number}@{MOON}") for number in range(21)]
    assert answers == [""] * 20 + ["resource-constraint"]
    romeo = faces.log_in("romeo", "orchard")
    assert condition(faces.ask(romeo, search("<last>C*</last>"), "set", VCARD)) == ""


def test_off_is_off_and_says_so():
    faces = verona(search="off")
    romeo = faces.log_in("romeo", "orchard")
    for type_ in ("get", "set"):
        answer = faces.ask(romeo, search("<last>C*</last>"), type_, VCARD)
        assert condition(answer) == "service-unavailable"
    identities, features = info(faces, romeo)
    assert "jabber:iq:search" not in features
    assert ("directory", "user") not in identities


def info(faces, client):
    (query,) = faces.ask(client, f"<query xmlns='{ns.DISCO_INFO}'/>", to=VCARD)
    identities = {(e.get("category"), e.get("type")) for e in query if e.get("category")}
    return identities, {e.get("var") for e in query if e.get("var")}


def test_it_says_what_it_is(faces, romeo):
    identities, features = info(faces, romeo)
    assert identities == {("directory", "user")}
    assert {"jabber:iq:search", "http://jabber.org/protocol/rsm", "vcard-temp"} <= features


def test_0004_6_forms_that_stand_in_searches_are_no_feature(faces, romeo):
    """XEP-0004 §6: support is implicit in the wrapper, and MUST NOT be advertised."""
    _, features = info(faces, romeo)
    assert ns.DATA_FORM not in features


def test_who_searches_too_often_has_to_wait_and_nobody_else(faces, romeo):
    faces = verona(searches_per_minute=3)
    romeo, other = (faces.log_in("romeo", where) for where in ("orchard", "street"))
    juliet = faces.log_in("juliet", "balcony")

    def asks(client):
        return condition(faces.ask(client, search("<last>C*</last>"), "set", VCARD))

    assert [asks(client) for client in (romeo, other, romeo, romeo, other)] == [
        "",
        "",
        "",
        "resource-constraint",
        "resource-constraint",
    ]
    assert asks(juliet) == ""
    faces.server.clock.advance(60)
    assert asks(romeo) == ""
