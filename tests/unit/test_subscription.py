"""The tables of RFC 6121 appendix A against the rules of §3 that they follow from."""

import pytest

from xmppd import subscription
from xmppd.subscription import FROM, IN, INBOUND, NINE, OUT, OUTBOUND, STATES, TO, Step


def outbound(kind: str, state: int) -> tuple[int, bool]:
    """§3.1.2, §3.3.2, §3.1.5, §3.2.2: what a user's own stanza does."""
    if kind == "subscribe":
        return (state if state & TO else state | OUT), True
    if kind == "unsubscribe":
        return state & ~(TO | OUT), True
    if kind == "subscribed":
        asked = bool(state & IN)
        return (state & ~IN | FROM if asked else state), asked
    return state & ~(IN | FROM), bool(state & (IN | FROM))


def inbound(kind: str, state: int) -> tuple[int, bool]:
    """§3.1.3, §3.3.3, §3.1.6, §3.2.3: what a contact's stanza does."""
    if kind == "subscribe":
        news = not state & (FROM | IN)
        return (state | IN if news else state), news
    if kind == "unsubscribe":
        return state & ~(FROM | IN), bool(state & (FROM | IN))
    if kind == "subscribed":
        asked = bool(state & OUT)
        return (state & ~OUT | TO if asked else state), asked
    return state & ~(TO | OUT), bool(state & (TO | OUT))


@pytest.mark.parametrize("state", STATES, ids=STATES.get)
@pytest.mark.parametrize("kind", subscription.TYPES)
def test_a_2_every_row_of_what_a_user_sends(kind: str, state: int) -> None:
    assert OUTBOUND[kind][state] == Step(*outbound(kind, state))


@pytest.mark.parametrize("state", STATES, ids=STATES.get)
@pytest.mark.parametrize("kind", subscription.TYPES)
def test_a_3_every_row_of_what_a_contact_sends(kind: str, state: int) -> None:
    assert INBOUND[kind][state] == Step(*inbound(kind, state))


def test_a_1_there_are_nine_states_and_no_table_leaves_them() -> None:
    assert len(STATES) == 9
    for table in (OUTBOUND, INBOUND):
        for rows in table.values():
            assert set(rows) == set(STATES)
            assert {step.state for step in rows.values()} <= set(STATES)
    assert all(not state & ~NINE for state in STATES)
