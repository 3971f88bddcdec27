"""Who is listed, by what (XEP-0054 §9 CLASS, XEP-0055), and what is alike in a search."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.vcard.criteria import Criterion, Match, criterion
from components.vcard.fields import FIELDS, KEY_MAX, SHOWN_MAX, VALUES_MAX, key, listing
from tests.support.vcards import PUBLIC, person, vcard


@pytest.mark.parametrize(
    "said",
    [
        "",
        "<CLASS/>",
        "<CLASS><PRIVATE/></CLASS>",
        "<CLASS><CONFIDENTIAL/></CLASS>",
        "<CLASS>PUBLIC</CLASS>",
        "<CLASS><PUBLIC/><PRIVATE/></CLASS>",
        "<CLASS><PUBLIC/></CLASS><CLASS><CONFIDENTIAL/></CLASS>",
        "<PUBLIC/>",
        "<CLASS xmlns='urn:x'><PUBLIC/></CLASS>",
        "<AGENT><vCard><CLASS><PUBLIC/></CLASS></vCard></AGENT>",
    ],
)
def test_who_does_not_say_that_it_is_public_is_not_listed(said):
    assert listing(vcard(f"<FN>Juliet</FN>{said}")) is None


def test_every_field_is_listed():
    juliet = person(
        "Juliet",
        "Capulet",
        "Jule",
        "juliet@verona.example",
        "<FN>Juliet Capulet</FN><ORG><ORGNAME>House of Capulet</ORGNAME></ORG>"
        "<ADR><LOCALITY>Verona</LOCALITY><CTRY>Italia</CTRY></ADR>",
    )
    listed = listing(juliet)
    assert listed.shown == {
        "first": "Juliet",
        "last": "Capulet",
        "nick": "Jule",
        "email": "juliet@verona.example",
        "fn": "Juliet Capulet",
        "org": "House of Capulet",
        "locality": "Verona",
        "country": "Italia",
    }
    assert listed.keys == {(var, key(text)) for var, text in listed.shown.items()}
    assert len(listed.keys) == len(FIELDS)


def test_several_values_are_found_and_the_first_is_shown():
    emails = "".join(f"<EMAIL><USERID>{name}</USERID></EMAIL>" for name in ("ann@x", "", "b@x"))
    listed = listing(vcard(f"{emails}<NICKNAME>Jule, , Julie</NICKNAME>{PUBLIC}"))
    assert listed.shown == {"email": "ann@x", "nick": "Jule"}
    assert listed.keys == {
        ("email", "ann@x"), ("email", "b@x"), ("nick", "jule"), ("nick", "julie"),
    }  # fmt: skip


def test_what_is_said_at_length_is_listed_in_part():
    long = "x" * 10_000
    emails = "".join(f"<EMAIL><USERID>{number}</USERID></EMAIL>" for number in range(1_000))
    nicks = ",".join(map(str, range(1_000)))
    listed = listing(vcard(f"<FN>{long}</FN>{emails}<NICKNAME>{nicks}</NICKNAME>{PUBLIC}"))
    assert len(listed.shown["fn"]) == SHOWN_MAX
    assert len(listed.keys) == 1 + 2 * VALUES_MAX
    assert ("fn", "x" * KEY_MAX) in listed.keys


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Zoë", "zoe"),
        ("Zoë", "ZOE\u0308"),
        ("  Juliet \n  Capulet ", "juliet capulet"),
        ("Straße", "STRASSE"),
        ("\uff2auliet", "juliet"),
        ("Ж\u0306й", "жи"),
        ("a\u200bb\0c", "abc"),
    ],
)
def test_what_is_alike_has_one_key(one, other):
    assert key(one) == key(other) == key(key(one))


def test_marks_that_make_another_letter_stay():
    assert key("が") != key("か")
    assert key("한글") == "한글"


@given(st.text() | st.text(st.sampled_from("ﷺİßǆ a\0\ud800\U0010ffff"), max_size=400))
def test_a_key_is_short_and_fit_for_every_store(text):
    made = key(text)
    assert len(made) <= KEY_MAX
    assert made == made.strip()
    assert "\0" not in made
    assert "\U0010ffff" not in made
    made.encode()


@pytest.mark.parametrize(
    ("text", "match", "wanted"),
    [
        ("Juliet", Match.EQUAL, "juliet"),
        ("Jul*", Match.PREFIX, "jul"),
        (" jul** ", Match.PREFIX, "jul"),
        ("*lie*", Match.CONTAINS, "lie"),
        ("*liet", Match.CONTAINS, "liet"),
        ("j*l", Match.EQUAL, "j*l"),
        ("100%_", Match.EQUAL, "100%_"),
    ],
)
def test_an_asterisk_at_an_end_stands_for_anything(text, match, wanted):
    assert criterion("first", text) == Criterion("first", match, wanted)


@pytest.mark.parametrize("text", ["", "  ", "*", "***", " * * ", "\0", "*\u200b*"])
def test_asterisks_alone_look_for_nothing(text):
    assert criterion("first", text) is None
