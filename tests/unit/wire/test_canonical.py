"""Payloads that are written anew mean what they did, text with prefixes in it, too (§8.4)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.frames import (
    CLOSE,
    HEADER,
    Scribe,
    contents,
    delivered,
    frames_of,
    infoset,
    read_by_lxml,
)
from xmppd.wire.canonical import MOST_PREFIXES
from xmppd.wire.stanza import Stanza

CDATA = b"<![CDATA[]]>"
"""What has the whole stanza written anew."""

KEPT = {
    b"<x xmlns:q='urn:q' t='q:y'/>": b"<x xmlns:q='urn:q' t='q:y'></x>",
    b"<q:x xmlns:q='urn:q' q:t='q:y'/>": b"<x xmlns='urn:q' xmlns:q='urn:q' q:t='q:y'></x>",
    b"<x xmlns:a0='urn:a' xmlns:b='urn:b'><y xmlns:b='urn:c' b:t='a0:z'/></x>": (
        b"<x xmlns:a0='urn:a' xmlns:b='urn:b'><y xmlns:b='urn:c' b:t='a0:z'></y></x>"
    ),
    # A prefix of the stanza's own is spelled out; what it is called then is free there.
    b"<x xmlns:a0='urn:a' m:t='a0:z'/>": b"<x xmlns:a0='urn:a' xmlns:_a0='urn:m' _a0:t='a0:z'></x>",
    b"<x xmlns:m='urn:n' m:t=''><m:y xml:lang='it'/></x>": (
        b"<x xmlns:m='urn:n' m:t=''><y xmlns='urn:n' xml:lang='it'></y></x>"
    ),
    b"<x xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:lang='it'/>": (
        b"<x xml:lang='it'></x>"
    ),
}


def passed_on(inner: bytes) -> bytes:
    """The content of a message as it goes out."""
    message = b"<message xmlns:m='urn:m'>%b</message>" % inner
    (stanza,) = contents(frames_of(HEADER + message + CLOSE))
    assert isinstance(stanza, Stanza)
    return stanza.inner


@pytest.mark.parametrize("inner", KEPT)
def test_prefixes_that_a_payload_declares_stay_declared(inner: bytes) -> None:
    passed = passed_on(inner + CDATA)
    assert passed == KEPT[inner]
    assert passed_on(passed + CDATA) == passed, "and so they do the next time"


@given(st.randoms(use_true_random=True))
@settings(max_examples=300)
def test_whatever_a_payload_declares_its_text_can_mean_behind_the_server(random) -> None:  # type: ignore[no-untyped-def]
    stream = Scribe(random).document()
    for frame, element in zip(contents(frames_of(stream)), read_by_lxml(stream), strict=True):
        if not isinstance(frame, Stanza):
            continue
        (passed,) = read_by_lxml(delivered(frame))
        outside = element.nsmap.items()
        for before, after in zip(element.iter(), passed.iter(), strict=True):
            if before is not element:
                own = {p: uri for p, uri in before.nsmap.items() - outside if p}
                assert own.items() <= after.nsmap.items()


def test_of_very_many_prefixes_only_some_stay_and_all_attributes_are_what_they_were() -> None:
    deep = 50
    inner = b"".join(
        b"<x%b>" % b"".join(b" xmlns:p%d='urn:%d:%d'" % (n, d, n) for n in range(d, d + 60))
        for d in range(deep)
    )
    inner += b"<y p5='' p30:a='1' p99:a='2' p108:a='3'/>" + b"</x>" * deep
    message = b"<message>%b%b</message>" % (inner, CDATA)
    stream = HEADER + message + CLOSE
    (stanza,) = contents(frames_of(stream))
    assert isinstance(stanza, Stanza)
    (before,) = read_by_lxml(stream)
    (after,) = read_by_lxml(delivered(stanza))
    assert infoset(after)[2] == infoset(before)[2]
    (innermost,) = after.iter("{*}y")
    assert len([p for p in innermost.nsmap if p and p.startswith("p")]) == MOST_PREFIXES
