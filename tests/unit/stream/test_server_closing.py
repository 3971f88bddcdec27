"""How streams with other servers end, and what still comes then (RFC 6120 §4.4, §4.9)."""

from __future__ import annotations

import pytest

from tests.support.server import condition
from tests.support.server_streams import (
    CAPULET,
    CLOSE,
    HALLS,
    MONTAGUE,
    VERONA,
    Scripted,
    admitted,
    auth,
    header,
    incoming,
    key,
    message,
    outcome,
    outgoing,
    sasl,
    verdict,
    verify,
)
from xmppd import ns
from xmppd.errors import StreamError
from xmppd.stream.server_events import Closing, KeyGiven
from xmppd.stream.states import State

RESET = StreamError("reset", reason="s2s.expired")
CONFLICT = f"<stream:error><conflict xmlns='{ns.STREAM_ERRORS}'/></stream:error>"


def both_ways() -> Scripted:
    """A stream of ours that montague may send on, too."""
    scripted = outgoing(MONTAGUE, offers=("external", "bidi", "dialback"))
    scripted.act(scripted.stream.authenticate())  # type: ignore[attr-defined]
    scripted.send(sasl("success"), header(id="3"), "<stream:features/>")
    assert scripted.stream.peers == {MONTAGUE}
    scripted.take()
    return scripted


WAYS = {"theirs": admitted, "ours": both_ways}
ways = pytest.mark.parametrize("made", WAYS.values(), ids=WAYS.keys())


@ways
def test_what_is_on_its_way_still_passes_when_we_close_rfc6120_4_4(made: type[Scripted]) -> None:
    scripted = made()
    scripted.act(scripted.stream.close())
    assert scripted.take().decode() == CLOSE
    assert scripted.of(Closing)
    scripted.send(message(), message())
    assert len(scripted.stanzas) == 2
    assert scripted.stream.state is not State.CLOSED
    scripted.send(CLOSE, message())
    assert scripted.ended is None
    assert scripted.take() == b""
    assert len(scripted.stanzas) == 2


@ways
@pytest.mark.parametrize(
    "sent",
    [
        key(HALLS),
        outcome(VERONA),
        verify(),
        verdict(VERONA),
        f"<bidi xmlns='{ns.BIDI}'/>",
        auth(),
        "<poison/>",
    ],
)
def test_nothing_is_answered_any_more_then_rfc6120_4_4(made: type[Scripted], sent: str) -> None:
    scripted = made()
    scripted.act(scripted.stream.close())
    scripted.take()
    scripted.send(sent, message())
    assert scripted.take() == b""
    assert len(scripted.stanzas) == 1
    assert scripted.stream.state is not State.CLOSED


def test_nor_is_a_word_passed_on_that_comes_late_rfc6120_4_4() -> None:
    scripted = incoming(require="dialback")
    scripted.send(key()).act(scripted.stream.judge(MONTAGUE, CAPULET, "valid"))
    scripted.send(key(HALLS))
    assert len(scripted.of(KeyGiven)) == 2
    scripted.act(scripted.stream.close())
    scripted.take()
    scripted.act(scripted.stream.judge(HALLS, CAPULET, "valid"))
    assert scripted.take() == b""
    assert HALLS not in scripted.stream.peers


@ways
def test_it_is_not_waited_for_for_ever_rfc6120_4_4(made: type[Scripted]) -> None:
    scripted = made()
    scripted.act(scripted.stream.close())
    scripted.take()
    scripted.act(scripted.stream.void())
    assert scripted.ended is None
    assert scripted.take() == b""
    assert scripted.act(scripted.stream.void()) == scripted.act(scripted.stream.close()) == []


@ways
@pytest.mark.parametrize("sent", [CONFLICT, "<a></b>"], ids=["an error", "nonsense"])
def test_an_error_in_between_is_the_end_and_answered_by_nothing(
    made: type[Scripted], sent: str
) -> None:
    scripted = made()
    scripted.act(scripted.stream.close())
    scripted.take()
    scripted.send(sent)
    assert scripted.stream.state is State.CLOSED
    assert scripted.take() == b""


@ways
def test_a_reason_that_is_not_the_peer_s_is_told_with_it_rfc6120_4_9_3_16(
    made: type[Scripted],
) -> None:
    scripted = made()
    scripted.act(scripted.stream.close(RESET))
    error, *_ = scripted.elements()
    assert condition(error) == "reset"
    scripted.send(message(), CLOSE)
    assert len(scripted.stanzas) == 1
    assert scripted.ended is RESET


def test_where_nobody_may_send_there_is_nothing_to_wait_for() -> None:
    scripted = incoming(MONTAGUE)
    scripted.act(scripted.stream.close())
    assert scripted.ended is None
    scripted.send(message())
    assert not scripted.stanzas
