"""STARTTLS (RFC 6120 §5): nothing said in the clear counts afterwards."""

from __future__ import annotations

import pytest

from tests.support.frames import HEADER
from tests.support.streams import (
    POLICY,
    STARTTLS,
    Client,
    auth,
    ended,
    names,
    offered,
    plain,
    reasons,
    response,
)
from xmppd.stream.events import StartTLS
from xmppd.stream.states import Fact, State


def test_proceed_then_tls_then_a_new_stream() -> None:
    client = Client().opened()
    first = client.stream.id
    assert names(client.send(STARTTLS)) == ["proceed", "StartTLS"]
    assert StartTLS("verona.lit") in client.events
    assert client.stream.state is State.EXPECT_HEADER
    assert offered(client.send(HEADER)) == ["mechanisms"]
    assert client.stream.id != first


@pytest.mark.parametrize(
    "behind",
    [
        HEADER,
        plain(),
        b"<presence/>",
        b"\x16\x03\x01\x02\0",
        b"x",
        b"</stream:stream>",
        STARTTLS,
        b"<",
        b"\0",
    ],
)
def test_bytes_behind_it_in_the_clear_end_the_stream(behind: bytes) -> None:
    """RFC 6120 §5.4.3.3: or whoever is in the middle speaks for the client."""
    client = Client().opened()
    client.new()
    said = names(client.send(STARTTLS + behind))
    assert said == ["error policy-violation", "close", "Closed policy-violation"]
    assert reasons(client)[1] == "tls.injection"
    assert client.asked == []
    assert client.stream.jid is None


def test_all_in_one_segment_ends_the_stream_too() -> None:
    client = Client()
    client.send(HEADER + STARTTLS + HEADER + plain())
    assert reasons(client)[1] == "tls.injection"
    assert client.asked == []


def test_what_was_half_said_in_the_clear_is_not_finished_behind_tls() -> None:
    client = Client().opened()
    client.send(b"<starttls xmlns='urn:ietf:params:xml:ns:", b"xmpp-tls'/>\r\n")
    assert StartTLS("verona.lit") in client.events
    assert offered(client.send(HEADER)) == ["mechanisms"]


def test_what_was_learned_in_the_clear_is_asked_again() -> None:
    client = Client().opened()
    client.send(STARTTLS, b"<presence/>")
    assert isinstance(ended(client), Exception)
    assert client.stream.state is State.CLOSED


@pytest.mark.parametrize("again", ["twice", "unavailable", "inside"])
def test_where_it_is_not_offered_it_fails_and_the_stream_ends(again: str) -> None:
    """RFC 6120 §5.4.2.2."""
    client = Client(tls=again == "twice", secure=again == "inside").opened()
    if again == "twice":
        client.send(STARTTLS, HEADER)
    client.new()
    assert names(client.send(STARTTLS)) == ["failure", "close", "Closed"]
    assert ended(client) is None


def test_not_after_authentication() -> None:
    client = Client(POLICY._replace(tls_required=False, plaintext_allowed=True)).authenticated()
    client.new()
    assert names(client.send(STARTTLS)) == ["failure", "close", "Closed"]


@pytest.mark.parametrize(
    "data", [plain(), auth("SCRAM-SHA-1", b"n,,n=romeo,r=x"), auth("PLAIN"), auth("EXTERNAL", "=")]
)
def test_no_password_in_the_clear_where_tls_is_required(data: bytes) -> None:
    """RFC 6120 §6.5.4."""
    client = Client().opened()
    client.new()
    assert names(client.send(data)) == ["failure encryption-required"]
    assert client.asked == []
    assert client.stream.state is State.NEGOTIATING


def test_attempts_in_the_clear_are_counted_too() -> None:
    client = Client().opened()
    client.send(plain(), plain(), plain())
    assert reasons(client) == ("policy-violation", "auth.retries")
    assert client.asked == []


def test_a_response_to_nothing_ends_the_stream() -> None:
    client = Client().opened()
    client.send(response(b"x"))
    assert reasons(client) == ("policy-violation", "stream.element")


def test_a_client_that_needs_no_tls_may_still_have_it() -> None:
    client = Client(POLICY._replace(tls_required=False)).opened()
    assert offered(client.events) == ["starttls", "mechanisms"]
    client.send(STARTTLS, HEADER)
    assert client.stream.facts & Fact.SECURE
