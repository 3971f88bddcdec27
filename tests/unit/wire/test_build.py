"""What the server itself writes is well-formed and means what was asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.frames import infoset, read_by_expat, read_by_lxml
from xmppd import ns
from xmppd.errors import (
    SASL_CONDITIONS,
    STANZA_CONDITIONS,
    STREAM_CONDITIONS,
    SASLFailure,
    StanzaError,
    StreamError,
)
from xmppd.jid import JID
from xmppd.wire import build, faults, tree
from xmppd.wire.build import Raw, Tag
from xmppd.wire.escape import attribute, text
from xmppd.wire.stanza import Stanza

LEGAL = st.text(
    st.characters(min_codepoint=32, exclude_categories=("Cs",), exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n\r&<>'\"")
)


def read(data: bytes) -> tuple[object, ...]:
    found = infoset(read_by_lxml(data))
    assert found == infoset(read_by_expat(data))
    return found


@given(LEGAL)
def test_attributes_and_text_arrive_as_they_are(value: str) -> None:
    assert read(f"<a b='{attribute(value)}' c=\"{attribute(value)}\"/>".encode())[1] == {
        "b": value,
        "c": value,
    }
    assert read(f"<a>{text(value)}</a>".encode())[2] == [value]


@given(LEGAL, LEGAL)
def test_a_tag_is_what_it_says(value: str, content: str) -> None:
    tag = Tag(
        "rose", {"thorn": value, "none": None}, [Tag("bud", {}, content), content], ns="urn:r"
    )
    assert read(tag.render()) == (
        "{urn:r}rose",
        {"thorn": value},
        ["", ("{urn:r}bud", {}, [content]), content],
    )


def test_a_tag_is_a_value_that_can_be_written_twice() -> None:
    tag = Tag("rose", {}, (Tag("bud") for _ in range(2)))
    assert tag.render() == tag.render() == b"<rose><bud/><bud/></rose>"


@pytest.mark.parametrize("children", [(), [], iter(())])
def test_what_holds_nothing_is_empty(children: object) -> None:
    assert Tag("rose", {}, children).render() == b"<rose/>"  # type: ignore[arg-type]


def test_a_childs_namespace_is_its_parents_unless_it_has_its_own() -> None:
    tag = Tag(
        "a", {}, [Tag("b", ns="urn:b", children=[Tag("c")]), Tag("d"), Tag("e", ns="")], ns="urn:a"
    )
    found = read(tag.render())
    content = found[2]
    assert isinstance(content, list)
    assert [c[0] for c in content if c] == ["{urn:b}b", "{urn:a}d", "e"]


def test_a_stanza_knows_its_children() -> None:
    stanza = build.stanza("iq", {"type": "result"}, Tag("query", ns="urn:q"), Raw(b"<x/>"))
    assert stanza.children == ["urn:q query", "jabber:client x"]
    assert stanza.render() == b"<iq type='result'><query xmlns='urn:q'/><x/></iq>"


@pytest.mark.parametrize("condition", sorted(STREAM_CONDITIONS))
def test_stream_errors(condition: str) -> None:
    """RFC 6120 §4.9.2."""
    data = faults.stream_error(StreamError(condition, "a < b", reason="stream.xml"))
    name, _, content = read(b"<x xmlns:stream='%b'>%b</x>" % (ns.STREAM.encode(), data))[2][1]  # type: ignore[index]
    assert name == f"{{{ns.STREAM}}}error"
    assert [c[0] for c in content if c] == [
        f"{{{ns.STREAM_ERRORS}}}{condition}",
        f"{{{ns.STREAM_ERRORS}}}text",
    ]
    assert content[3][2] == ["a < b"]


@pytest.mark.parametrize("condition", sorted(SASL_CONDITIONS))
def test_sasl_failures(condition: str) -> None:
    """RFC 6120 §6.5: condition and text are in the SASL namespace."""
    found = read(faults.sasl_failure(SASLFailure(condition, "why", reason="auth.credentials")))
    content = found[2]
    assert found[0] == f"{{{ns.SASL}}}failure"
    assert isinstance(content, list)
    assert [c[0] for c in content if c] == [f"{{{ns.SASL}}}{condition}", f"{{{ns.SASL}}}text"]


@pytest.mark.parametrize("condition", sorted(STANZA_CONDITIONS))
def test_stanza_errors(condition: str) -> None:
    """RFC 6120 §8.3: back to the sender, under the same id."""
    stanza = Stanza("message", {"id": "a'b", "type": "chat"}, [], b"<body>O!</body>")
    stanza.sender, stanza.to = JID("romeo@montague.lit/1"), JID("juliet@capulet.lit")
    error = StanzaError(condition, "why", reason="stanza.to", extra=b"<x xmlns='urn:x'/>")
    answer = faults.stanza_error(stanza, error)
    found = read(b"<x xmlns='jabber:client'>%b</x>" % answer.render())[2][1]  # type: ignore[index]
    assert found[1] == {
        "from": "juliet@capulet.lit",
        "to": "romeo@montague.lit/1",
        "type": "error",
        "id": "a'b",
    }
    (element,) = (c for c in found[2] if c)
    assert element[1] == {"type": error.type, "code": str(error.code)}
    assert [c[0] for c in element[2] if c] == [
        f"{{{ns.STANZA_ERRORS}}}{condition}",
        f"{{{ns.STANZA_ERRORS}}}text",
        "{urn:x}x",
    ]


@pytest.mark.parametrize(
    ("kind", "type_", "expected"),
    [
        ("iq", "get", True),
        ("iq", "set", True),
        ("iq", "result", False),
        ("iq", "error", False),
        ("iq", "rose", True),
        ("iq", "", True),
        ("message", "", True),
        ("message", "chat", True),
        ("message", "error", False),
        ("presence", "error", False),
    ],
)
def test_errors_are_never_answered_by_errors(kind: str, type_: str, expected: bool) -> None:
    assert faults.answerable(Stanza(kind, {"type": type_}, [], b"")) is expected


def test_trees_have_the_attributes_and_namespaces_of_their_stanza() -> None:
    attrs = {"id": "1", f"{ns.XML} lang": "it"}
    root = tree.parse("iq", attrs, b"<q xmlns='urn:q'><a>1</a><b/></q>", ns.CLIENT)
    assert root.tag == f"{{{ns.CLIENT}}}iq"
    assert root.attrib == {"id": "1", f"{{{ns.XML}}}lang": "it"}
    assert tree.child_text(root[0], "{urn:q}a") == "1"
    assert tree.child_text(root[0], "{urn:q}b") == ""
    assert tree.child_text(root[0], "{urn:q}c") is None
