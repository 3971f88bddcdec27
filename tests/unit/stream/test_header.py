"""Stream headers, the client's and ours (RFC 6120 §4.7, §4.8)."""

from __future__ import annotations

import pytest

from tests.support.frames import HEADER
from tests.support.streams import STARTTLS, Client, frames, names, offered, plain, reasons, sent
from xmppd import ns
from xmppd.stream import header
from xmppd.stream.states import State
from xmppd.wire.framer import Framer
from xmppd.wire.frames import StreamOpen
from xmppd.wire.limits import Limits


def opening(**attributes: str) -> bytes:
    """A header with these attributes besides its namespaces; `xml_lang` is xml:lang."""
    shown = "".join(f" {k.replace('_', ':')}='{v}'" for k, v in attributes.items())
    return f"<stream:stream xmlns='{ns.CLIENT}' xmlns:stream='{ns.STREAM}'{shown}>".encode()


def ours(client: Client) -> StreamOpen:
    """The last header that the server wrote."""
    found = [f for f in frames(sent(client.events)) if isinstance(f, StreamOpen)]
    return found[-1]


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.0", (1, 0)),
        ("1.1", (1, 1)),
        ("2.0", (2, 0)),
        ("01.00", (1, 0)),
        ("00001.00000", (1, 0)),
        ("1.10", (1, 10)),
        ("0.9", (0, 9)),
        ("0.0", (0, 0)),
        ("", (0, 0)),
    ],
)
def test_versions(text: str, version: tuple[int, int]) -> None:
    """RFC 6120 §4.7.5: we speak 1.0 to whoever speaks at least that."""
    client = Client().opened(opening(to="verona.lit", version=text))
    assert client.stream.version == version
    answered = ours(client)
    if version >= (1, 0):
        assert answered.attrs["version"] == "1.0"
        assert offered(client.events) == ["starttls"]
    else:
        assert "version" not in answered.attrs
        assert names(client.events) == ["open"]


@pytest.mark.parametrize("wrong", [{"to": "a@@b"}, {"to": "verona.lit", "from": "@"}])
@pytest.mark.parametrize(("said", "answered"), [(None, None), ("0.9", None), ("1.7", "1.0")])
def test_even_a_refusal_is_in_the_clients_version(
    wrong: dict[str, str], said: str | None, answered: str | None
) -> None:
    version = {} if said is None else {"version": said}
    client = Client().opened(opening(**wrong, **version))
    assert names(client.events)[-1].startswith("Closed ")
    assert ours(client).attrs.get("version") == answered


def test_no_version_at_all() -> None:
    client = Client().opened(opening(to="verona.lit"))
    assert names(client.events) == ["open"]
    assert "version" not in ours(client).attrs


def test_a_client_from_before_1_0_may_leave_out_to() -> None:
    client = Client().opened(opening())
    assert ours(client).attrs["from"] == "verona.lit"


@pytest.mark.parametrize(
    "text",
    ["1", "1.", ".0", "one", "1.0.0", "-1.0", " 1.0", "1,0", "9" * 9 + ".0", "\u0661.\u0660"],
)
def test_versions_that_are_none(text: str) -> None:
    client = Client().opened(opening(to="verona.lit", version=text))
    assert reasons(client) == ("unsupported-version", "stream.version")
    assert names(client.events)[:2] == ["open", "error unsupported-version"]


@pytest.mark.parametrize(
    ("data", "condition", "reason"),
    [
        (opening(to="mantova.lit", version="1.0"), "host-unknown", "stream.host-unknown"),
        (opening(to="a@b@c", version="1.0"), "host-unknown", "stream.host-unknown"),
        (opening(to="-.lit", version="1.0"), "host-unknown", "stream.host-unknown"),
        (opening(version="1.0"), "improper-addressing", "stream.header"),
        (opening(to="", version="1.0"), "improper-addressing", "stream.header"),
        (opening(to="romeo@verona.lit", version="1.0"), "improper-addressing", "stream.header"),
        (opening(to="verona.lit/x", version="1.0"), "improper-addressing", "stream.header"),
        (
            opening(to="verona.lit", version="1.0", **{"from": "@"}),
            "invalid-from",
            "stream.invalid-from",
        ),
        (HEADER.replace(b"jabber:client", b"jabber:server"), "invalid-namespace", "stream.header"),
        (HEADER.replace(b"jabber:client", b"urn:rose"), "invalid-namespace", "stream.header"),
        (HEADER.replace(b"etherx", b"ether"), "invalid-namespace", "stream.header"),
        (HEADER.replace(b"<stream:stream", b"<stream:rose"), "bad-format", "stream.header"),
        (b"<rose>", "invalid-namespace", "stream.header"),
        (b"<message xmlns='jabber:client'>", "invalid-namespace", "stream.header"),
    ],
)
def test_headers_that_are_wrong(data: bytes, condition: str, reason: str) -> None:
    """The answer is a header, the error, the end (RFC 6120 §4.9.1.2)."""
    client = Client().opened(data)
    assert names(client.events) == ["open", f"error {condition}", "close", f"Closed {condition}"]
    assert reasons(client) == (condition, reason)
    assert ours(client).attrs["from"] == "verona.lit"


@pytest.mark.parametrize("to", ["verona.lit", "VERONA.lit", "verona.lit."])
def test_the_domain_is_prepared(to: str) -> None:
    client = Client().opened(opening(to=to, version="1.0"))
    assert client.stream.domain == "verona.lit"
    assert ours(client).attrs["from"] == "verona.lit"


def test_another_domain_that_is_served() -> None:
    client = Client().opened(opening(to="mantua.lit", version="1.0"))
    assert client.stream.domain == ours(client).attrs["from"] == "mantua.lit"


def test_the_stream_namespace_may_be_the_default() -> None:
    """RFC 6120 §4.8.3: the prefix-free style means the same."""
    client = Client(secure=True)
    client.opened(
        b"<stream xmlns='http://etherx.jabber.org/streams' to='verona.lit' version='1.0'>"
    )
    assert offered(client.events) == ["mechanisms"]
    client.send(plain())
    assert client.stream.jid == "romeo@verona.lit"


@pytest.mark.parametrize("lang", ["it", "en-GB", "x" * 60])
def test_the_language_is_remembered_and_bounded(lang: str) -> None:
    """RFC 6120 §4.7.4."""
    client = Client().opened(opening(to="verona.lit", version="1.0", xml_lang=lang))
    assert client.stream.lang == lang[:35]
    assert ours(client).attrs[f"{ns.XML} lang"] == "en"


def test_what_our_header_says_to_whoever_names_himself() -> None:
    """RFC 6120 §4.7.2: `to` only where the client said `from`."""
    client = Client().opened(
        opening(to="verona.lit", version="1.0", **{"from": "romeo@verona.lit/x"})
    )
    assert ours(client).attrs["to"] == "romeo@verona.lit"
    assert "to" not in ours(Client().opened()).attrs


def test_our_header_is_one() -> None:
    data = header.write(domain="verona.lit", stream_id="a'b", version=(1, 0), to=None)
    frame = Framer(Limits()).feed(data)[0]
    assert isinstance(frame, StreamOpen)
    assert frame.attrs["id"] == "a'b"
    assert header.read(frame._replace(attrs=frame.attrs | {"to": "verona.lit"})).version == (1, 0)


def test_ids_never_repeat_and_can_not_be_guessed() -> None:
    """RFC 6120 §4.7.3: a new one for each stream, restarted ones included."""
    ids = []
    for _ in range(50):
        client = Client().authenticated()
        ids += [f.attrs["id"] for f in frames(sent(client.events)) if isinstance(f, StreamOpen)]
    assert len(ids) == 150
    assert len(set(ids)) == 150
    assert min(map(len, ids)) >= 16  # 96 bits of `secrets`, in base64
    assert client.stream.id == ids[-1]


def test_ids_are_made_of_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda size: f"rose{size}")
    assert ours(Client().opened()).attrs["id"] == "rose12"


@pytest.mark.parametrize(
    ("restarted", "condition"),
    [
        (opening(to="mantua.lit", version="1.0"), "not-authorized"),
        (opening(to="mantova.lit", version="1.0"), "not-authorized"),
        (
            opening(to="verona.lit", version="1.0", **{"from": "juliet@verona.lit"}),
            "invalid-from",
        ),
    ],
)
def test_what_authentication_has_shown_can_not_be_changed(restarted: bytes, condition: str) -> None:
    """RFC 6120 §4.9.3.6, §6.3.5."""
    client = Client(secure=True).opened()
    client.send(plain(), restarted)
    assert reasons(client) == (condition, "stream.pinned")
    assert client.stream.state is State.CLOSED


@pytest.mark.parametrize(
    "restarted",
    [
        opening(to="verona.lit", version="1.0"),
        opening(version="1.0"),
        opening(to="verona.lit", version="1.0", **{"from": "romeo@verona.lit"}),
        opening(to="verona.lit", version="1.0", **{"from": "romeo@verona.lit/orchard"}),
    ],
)
def test_what_stays_the_same_may_be_said_again(restarted: bytes) -> None:
    client = Client(secure=True).opened()
    client.send(plain())
    assert offered(client.send(restarted)) == ["bind"]


def test_another_domain_may_be_meant_behind_tls() -> None:
    """Nothing is pinned by it before authentication."""
    client = Client().opened()
    client.send(STARTTLS, opening(to="mantua.lit", version="1.0"))
    assert client.stream.domain == "mantua.lit"
