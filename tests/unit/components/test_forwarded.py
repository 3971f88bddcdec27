"""Stanzas inside of others (XEP-0297): the short way to them gives what the parser gives."""

from __future__ import annotations

import pytest

from components.common import forwarded
from components.common.stanza import XML_LANG, Stanza
from xmppd import ns

NAME = f"{ns.DELEGATION} delegation"
CARD = "<vCard xmlns='vcard-temp'/>"
ASKED = "type='get' id='1' from='a@b/c' to='d@b'"


def outer(inner: str) -> Stanza:
    return Stanza("iq", {}, [NAME], inner.encode())


def wrapped(attrs: str, payload: str, kind: str = "iq") -> str:
    stanza = f"<{kind} xmlns='{ns.CLIENT}' {attrs}>{payload}</{kind}>"
    return forwarded.wrap(stanza.encode(), NAME).decode()


def parts(stanza: Stanza | None) -> object:
    return stanza and (stanza.kind, stanza.attrs, stanza.children, stanza.inner, stanza.content)


@pytest.mark.parametrize(
    ("attrs", "payload", "plain"),
    [
        (ASKED, CARD, True),
        (f"{ASKED} xml:lang='en'", CARD, True),
        ("", CARD, False),
        (ASKED.replace("a@b/c", "a@b/&apos;"), CARD, False),
        (ASKED.replace("a@b/c", "a@b/x\ty"), CARD, False),
        (f"{ASKED} xmlns:x='urn:x' x:y='1'", CARD, False),
        (ASKED, "<vCard xmlns='vcard-temp'></vCard>", False),
        (ASKED, '<vCard xmlns="vcard-temp"/>', False),
        (ASKED, "<vCard xmlns='vcard-&#116;emp'/>", False),
        (ASKED, "<vCard xmlns='vcard-temp' a='1'/>", False),
        (ASKED, CARD * 2, False),
        (ASKED, f"{CARD} ", False),
        (ASKED, "<body/>", False),
        (ASKED, "<v:vCard xmlns:v='vcard-temp'/>", False),
        (ASKED, "<vCard xmlns='vcard-temp'><FN>é</FN></vCard>", False),
        (ASKED, f"<a xmlns='urn:a'>{wrapped(ASKED, CARD)}</a>", False),
    ],
)
def test_both_ways_give_the_same(attrs, payload, plain):
    given = outer(wrapped(attrs, payload))
    found = forwarded._plain(given.inner, (NAME,))
    assert (found is not None) is plain
    parsed = forwarded._parsed(given, (NAME,))
    assert parsed is not None
    assert parts(forwarded.unwrap(given, NAME)) == parts(parsed)


@pytest.mark.parametrize(
    "inner",
    [
        wrapped(ASKED, CARD).replace(ns.DELEGATION, "urn:x"),
        wrapped(ASKED, CARD).replace(ns.FORWARD, "urn:x"),
        wrapped(ASKED, CARD).replace(ns.CLIENT, "urn:x"),
        wrapped(ASKED, CARD, "iqs"),
        f"<x xmlns='urn:x'>{wrapped(ASKED, CARD)}</x>",
        CARD,
        "",
    ],
)
def test_what_is_no_forwarded_stanza_is_none_by_either(inner):
    assert forwarded.unwrap(outer(inner), NAME) is None


def test_the_language_has_the_name_that_stanzas_give_it():
    found = forwarded.unwrap(outer(wrapped(f"{ASKED} xml:lang='en'", CARD)), NAME)
    assert found is not None and found.attrs[XML_LANG] == "en"
