"""Every transition stands in the table, and what does not stand there ends the stream."""

from __future__ import annotations

from itertools import product

import pytest

from tests.support.streams import (
    ABORT,
    CLOSE,
    COMPRESS,
    STARTTLS,
    Client,
    auth,
    ended,
    names,
    response,
)
from xmppd.errors import StreamError
from xmppd.stream import sasl
from xmppd.stream.events import BindResource, Closed
from xmppd.stream.policy import Policy
from xmppd.stream.states import INPUTS, TRANSITIONS, Fact, Input, State, step


@pytest.mark.parametrize(("state", "moved_by"), list(product(State, Input)))
def test_every_input_in_every_state_steps_or_is_refused(state: State, moved_by: Input) -> None:
    following = TRANSITIONS.get((state, moved_by))
    if following is not None:
        assert step(state, moved_by) is following
    else:
        with pytest.raises(StreamError) as caught:
            step(state, moved_by)
        assert (caught.value.condition, caught.value.reason) == (
            "policy-violation",
            "stream.element",
        )


def test_every_state_can_be_reached_and_left() -> None:
    reached = {State.EXPECT_HEADER}
    while True:
        more = reached | {to for (state, _), to in TRANSITIONS.items() if state in reached}
        if more == reached:
            break
        reached = more
    assert reached == set(State)
    assert all(step(state, Input.CLOSE) is State.CLOSED for state in State)


def test_every_fact_is_one_bit() -> None:
    assert sum(Fact) == (1 << len(Fact)) - 1


def in_state(state: State) -> Client:
    """A client whose stream stands in `state`."""
    client = Client(secure=True)
    if state is State.EXPECT_HEADER:
        return client
    if state is State.BOUND:
        return client.bound()
    if state is State.WAITING:
        client.later(sasl.CheckPassword)
        client.opened().send(auth("PLAIN", b"\0romeo\0wrong"))
    elif state is State.SASL:
        client.opened().send(auth("PLAIN"))
    else:
        client.opened()
        if state is State.CLOSED:
            client.send(CLOSE)
    client.new()
    return client


ELEMENTS = {
    "starttls": STARTTLS,
    "auth": auth("PLAIN"),
    "response": response(b"x"),
    "abort": ABORT,
    "compress": COMPRESS,
    "message": b"<message/>",
    "unknown": b"<rose xmlns='urn:montague'/>",
    "nothing": b"<rose xmlns=''/>",
    "error": b"<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
    "close": CLOSE,
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("element", ELEMENTS)
def test_every_element_in_every_state_is_acted_on_or_ends_the_stream(
    state: State, element: str
) -> None:
    """No element raises anything but a StreamError, and none is acted on outside the table."""
    client = in_state(state)
    assert client.stream.state is state
    events = client.send(ELEMENTS[element])
    after = client.stream.state
    if state is State.CLOSED or state is State.WAITING:
        assert events == []
        assert after is state
    elif element in ("close", "error") and state is not State.EXPECT_HEADER:
        assert names(events) == ["close", "Closed"]
    elif isinstance(client.events[-1], Closed):
        assert after is State.CLOSED
    else:
        assert after in {to for (start, _), to in TRANSITIONS.items() if start is state} | {state}


def test_elements_move_a_stream_by_the_table_only() -> None:
    allowed = {
        (State.NEGOTIATING, "auth"): State.SASL,
        (State.SASL, "response"): State.NEGOTIATING,  # malformed: a failure
        (State.SASL, "abort"): State.NEGOTIATING,
        (State.NEGOTIATING, "compress"): State.NEGOTIATING,  # not offered: a failure
        (State.SASL, "compress"): State.SASL,
        (State.BOUND, "compress"): State.BOUND,
        (State.BOUND, "message"): State.BOUND,
        (State.BOUND, "unknown"): State.BOUND,
        (State.BOUND, "nothing"): State.BOUND,
    }
    for state in (State.NEGOTIATING, State.SASL, State.BOUND):
        for element, data in ELEMENTS.items():
            client = in_state(state)
            client.send(data)
            expected = allowed.get((state, element), State.CLOSED)
            assert client.stream.state is expected, (state, element)


def test_the_inputs_of_clients_are_elements_of_their_namespaces() -> None:
    assert set(INPUTS.values()) == {
        *(Input.STARTTLS, Input.AUTH, Input.RESPONSE, Input.ABORT, Input.COMPRESS)
    }
    client = in_state(State.NEGOTIATING)
    client.send(b"<auth xmlns='urn:montague' mechanism='PLAIN'/>")
    assert ended(client) is not None


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("how", ["close", "fail", "lost"])
def test_a_stream_can_end_in_every_state_and_only_once(state: State, how: str) -> None:
    client = in_state(state)
    stream = client.stream
    error = StreamError("system-shutdown", reason="stream.shutdown")
    if how == "lost":
        stream.lost()
        expected = []
    else:
        said = names(client.run(stream.close() if how == "close" else stream.fail(error)))
        opening = ["open"] if state is State.EXPECT_HEADER else []
        expected = [*opening, "close", "Closed"]
        if how == "fail":
            expected = [*opening, "error system-shutdown", "close", "Closed system-shutdown"]
        if state is State.CLOSED:
            expected = []
        assert said == expected
    assert stream.state is State.CLOSED
    for more in (stream.close(), stream.fail(error), stream.receive(b"<message/>" + CLOSE)):
        assert list(more) == []
    assert list(stream.answer(None)) == []


def test_an_answer_that_comes_too_late_is_dropped() -> None:
    client = Client(secure=True)
    client.later(sasl.CheckPassword, BindResource)
    client.opened().send(auth("PLAIN", b"\0romeo\0x"))
    client.run(client.stream.close())
    assert client.answer(sasl.Answer(True, None)) == []
    assert client.stream.jid is None


def test_a_policy_is_a_value() -> None:
    assert Policy((), (), ()) == Policy((), (), ())
