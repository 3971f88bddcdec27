"""What a client wants events of, named for components (XEP-0060 §9.2, XEP-0163 §4.3)."""

from __future__ import annotations

import pytest

from xmppd import ns
from xmppd.core import interests
from xmppd.core.disco import DiscoInfo
from xmppd.jid import JID
from xmppd.wire.stanza import Stanza

OPEN, CLOSE = f"<interests xmlns='{ns.INTERESTS}'>".encode(), b"</interests>"


def presence(inner: bytes = b"") -> Stanza:
    return Stanza("presence", {}, None, inner)


def told(*features: str) -> bytes:
    return interests.with_interests(presence(), DiscoInfo((), frozenset(features))).inner


@pytest.mark.parametrize(
    ("features", "nodes"),
    [
        (("urn:tune+notify", "urn:mood+notify"), ["urn:mood", "urn:tune"]),
        (("urn:tune", "+notify", "urn:a+notify ", "urn:b+Notify"), []),
        (("urn:a+notify+notify", "a&<b>+notify"), ["a&amp;&lt;b>", "urn:a+notify"]),
    ],
)
def test_9_2_they_are_the_features_that_end_so_and_sorted(
    features: tuple[str, ...], nodes: list[str]
) -> None:
    inner = told(*features)
    each = "".join(f"<node>{node}</node>" for node in nodes).encode()
    assert inner.replace(b"&gt;", b">") == (OPEN + each + CLOSE if each else OPEN[:-1] + b"/>")


def test_how_many_there_are_is_bounded() -> None:
    inner = told(*(f"n{number:03}+notify" for number in range(300)))
    assert inner.count(b"<node>") == interests.MOST
    assert b"n199" in inner and b"n200" not in inner


def test_how_long_they_are_is_bounded() -> None:
    inner = told(*(f"{number}{'x' * 4_000}+notify" for number in range(9)))
    assert inner.count(b"<node>") == 4


def test_they_stand_behind_what_is_there() -> None:
    info = DiscoInfo((), frozenset(["urn:tune+notify"]))
    inner = interests.with_interests(presence(b"<show>away</show>"), info).inner
    assert inner == b"<show>away</show>" + OPEN + b"<node>urn:tune</node>" + CLOSE
    assert interests.with_interests(presence(b"<show>away</show>"), None).inner == (
        b"<show>away</show>"
    )


@pytest.mark.parametrize(
    "forged",
    [
        OPEN + b"<node>urn:tune</node>" + CLOSE,
        b"<i:interests xmlns:i='%b'/>" % ns.INTERESTS.encode(),
        b'<interests xmlns="urn:xmppd:&#105;nterests:0"/>',
        b"<shared xmlns='%b' to='juliet@capulet.lit'/>" % ns.INTERESTS.encode(),
        b"<hidden xmlns='%b' from='juliet@capulet.lit'/>" % ns.INTERESTS.encode(),
        b"<shown xmlns='%b' to='juliet@capulet.lit'/>" % ns.INTERESTS.encode(),
    ],
)
def test_what_somebody_says_of_himself_is_taken_out(forged: bytes) -> None:
    stanza = presence(b"<show>away</show>" + forged + b"<priority>1</priority>")
    without = interests.without(stanza)
    assert without.children == ["jabber:client show", "jabber:client priority"]
    assert b"away" in without.inner and ns.INTERESTS.encode() not in without.inner


def test_what_is_named_alike_and_is_not_it_stays() -> None:
    stanza = presence(b"<status>interests</status><interests xmlns='urn:x'/>")
    assert interests.without(stanza) is stanza


def test_0060_9_1_3_accounts_are_named_by_how_they_are_shown_it() -> None:
    jids = [JID.parse(f"{name}@capulet.lit") for name in ("juliet", "nurse", "paris", "romeo")]
    accounts = interests.Accounts(jids[:1], jids[1:2], jids[2:3], jids[3:])
    told = interests.with_accounts(presence(b"<show>away</show>"), accounts)
    assert [(child.tag, child.attrib) for child in told.element][1:] == [
        (f"{{{ns.INTERESTS}}}shown", {"to": "juliet@capulet.lit"}),
        (f"{{{ns.INTERESTS}}}shared", {"to": "nurse@capulet.lit"}),
        (f"{{{ns.INTERESTS}}}hidden", {"from": "paris@capulet.lit"}),
        (f"{{{ns.INTERESTS}}}hidden", {"from": "romeo@capulet.lit", "by": "server"}),
    ]
    many = interests.Accounts(shared=[JID.parse(f"n{n}@capulet.lit") for n in range(300)])
    assert len(interests.with_accounts(presence(), many).element) == interests.SHOWN
