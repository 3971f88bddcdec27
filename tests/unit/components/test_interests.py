"""What a client wants events of, as a component reads it (XEP-0163 §4.3)."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from components.common.interests import gone, hidden, interests, shared, shown
from components.common.stanza import Stanza
from xmppd import ns

OPEN, CLOSE = f"<interests xmlns='{ns.INTERESTS}'>", "</interests>"
TUNE = "<node>urn:tune</node>"


def presence(inner: str) -> Stanza:
    children = fromstring(f"<presence xmlns='{ns.COMPONENT}'>{inner}</presence>")
    names = [child.tag.removeprefix("{").replace("}", " ") for child in children]
    return Stanza("presence", {}, names, inner.encode(), ns.COMPONENT)


@pytest.mark.parametrize(
    ("inner", "nodes"),
    [
        ("", None),
        ("<show>away</show>", None),
        (f"<show>away</show>{OPEN}{TUNE}<node>urn:mood</node>{CLOSE}", {"urn:tune", "urn:mood"}),
        (f"{OPEN}<node>a&amp;b&lt;c</node>{CLOSE}", {"a&b<c"}),
        (f"{OPEN[:-1]}/>", set()),
        (f"{OPEN}{CLOSE}", set()),
        (f"{OPEN}{TUNE}{CLOSE}<show>away</show>", {"urn:tune"}),
        (f'<interests xmlns="{ns.INTERESTS}">{TUNE}{CLOSE}', {"urn:tune"}),
        (f"<interests xmlns='urn:x'>{OPEN}{TUNE}{CLOSE}{CLOSE}", None),
        (f"<x xmlns='urn:x'>{OPEN}{TUNE}{CLOSE}</x>", None),
        (f"<interests xmlns='urn:x'>{TUNE}{CLOSE}", None),
    ],
)
def test_4_3_nodes_are_read(inner: str, nodes: set[str] | None) -> None:
    assert interests(presence(inner)) == nodes


def test_clients_of_one_kind_share_what_is_read_once() -> None:
    found = [interests(presence(f"<show>{s}</show>{OPEN}{TUNE}{CLOSE}")) for s in ("away", "xa")]
    assert found[0] is found[1]


def test_4_3_4_to_which_accounts_a_contact_shows_himself() -> None:
    accounts = ("juliet@capulet.lit", "nurse@capulet.lit")
    told = "".join(f"<shown xmlns='{ns.INTERESTS}' to='{account}'/>" for account in accounts)
    assert shown(presence(f"{told}{OPEN}{TUNE}{CLOSE}")) == (accounts[0], "nurse@capulet.lit")
    assert interests(presence(f"{told}{OPEN}{TUNE}{CLOSE}")) == {"urn:tune"}
    assert shown(presence(f"{OPEN}{TUNE}{CLOSE}")) == ()


def test_0060_9_1_3_to_which_accounts_a_stranger_does() -> None:
    told = "".join(
        f"<{name} xmlns='{ns.INTERESTS}' {attribute}='{account}@capulet.lit'/>"
        for name, attribute, account in (
            ("shared", "to", "juliet"),
            ("shared", "to", "nurse"),
            ("hidden", "from", "paris"),
        )
    )
    stanza = presence(f"{told}{OPEN}{TUNE}{CLOSE}")
    assert shared(stanza) == ("juliet@capulet.lit", "nurse@capulet.lit")
    assert hidden(stanza) == ("paris@capulet.lit",)
    assert (shown(stanza), interests(stanza)) == ((), {"urn:tune"})
    assert (shared(presence("")), hidden(presence(""))) == ((), ())


@pytest.mark.parametrize(("by", "expected"), [("", True), (" by='server'", False)])
def test_who_is_hidden_by_the_server_may_be_there(by: str, expected: bool) -> None:
    stanza = presence(f"<hidden xmlns='{ns.INTERESTS}' from='paris@capulet.lit'{by}/>")
    assert hidden(stanza) == ("paris@capulet.lit",)
    assert gone(stanza) is expected
    assert gone(presence(""))
