"""vCard4 by IQ (XEP-0292 until 0.11), of one store with vcard-temp."""

from __future__ import annotations

import pytest

from tests.support.faces import VCARD4, Faces, T
from tests.support.people import JULIET
from tests.support.server import condition

V = f"{{{VCARD4}}}"
GET = f"<vcard xmlns='{VCARD4}'/>"
NAMED = f"<vcard xmlns='{VCARD4}'><fn><text>Juliet</text></fn></vcard>"


@pytest.fixture
def faces():
    return Faces().start()


@pytest.fixture
def juliet(faces):
    return faces.log_in("juliet", "balcony")


@pytest.fixture
def romeo(faces):
    return faces.log_in("romeo", "orchard")


def test_what_is_set_as_one_is_got_as_the_other(faces, juliet, romeo):
    assert faces.ask(juliet, NAMED, "set").get("type") == "result"
    assert faces.get(romeo, JULIET).findtext(f"{T}vCard/{T}FN") == "Juliet"
    faces.set(juliet, "<FN>Jule</FN><N><FAMILY>Capulet</FAMILY></N>")
    got = faces.ask(romeo, GET, to=JULIET)
    assert got.findtext(f"{V}vcard/{V}fn/{V}text") == "Jule"
    assert got.findtext(f"{V}vcard/{V}n/{V}surname") == "Capulet"


def test_where_there_is_none(faces, juliet, romeo):
    assert condition(faces.ask(juliet, GET)) == "item-not-found"
    for who in (JULIET, "nobody@capulet.lit"):
        assert condition(faces.ask(romeo, GET, to=who)) == "service-unavailable"


def test_nobody_sets_another_ones(faces, juliet, romeo):
    assert condition(faces.ask(romeo, NAMED, "set", JULIET)) == "forbidden"
    assert condition(faces.ask(juliet, GET)) == "item-not-found"


@pytest.mark.parametrize(
    "payload", [f"<vCard xmlns='{VCARD4}'/>", f"<vcards xmlns='{VCARD4}'>{NAMED}</vcards>"]
)
def test_what_is_none_is_refused(faces, juliet, payload):
    assert condition(faces.ask(juliet, payload, "set")) == "service-unavailable"
