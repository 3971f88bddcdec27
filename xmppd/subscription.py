"""Presence subscriptions between a user and a contact: the states, and what moves them.

RFC 6121 appendix A as tables. A state is a sum of bits, so that it is stored as a number:
`TO`, the user receives the contact's presence; `FROM`, the contact receives the user's; `OUT`
and `IN`, the user or the contact has asked and the other has not answered.

Rule 1: no subscription changes but by a row of these tables. Rule 2: nothing here does anything.
"""

from __future__ import annotations

from typing import NamedTuple

TO = 1
FROM = 2
OUT = 4
IN = 8
APPROVED = 16
"""A request of the contact is granted in advance (RFC 6121 §3.4); beside any state."""
LISTED = 32
"""The contact is an item of the roster; a mere request does not make it one (§3.1.3)."""

NONE = 0
NONE_OUT = OUT
NONE_IN = IN
NONE_OUT_IN = OUT | IN
TO_IN = TO | IN
FROM_OUT = FROM | OUT
BOTH = TO | FROM

STATES = {
    NONE: "None",
    NONE_OUT: "None + Pending Out",
    NONE_IN: "None + Pending In",
    NONE_OUT_IN: "None + Pending Out+In",
    TO: "To",
    TO_IN: "To + Pending In",
    FROM: "From",
    FROM_OUT: "From + Pending Out",
    BOTH: "Both",
}
"""The nine states (RFC 6121 §A.1), by their names there."""

NINE = TO | FROM | OUT | IN
"""The bits that make the nine states."""

SUBSCRIPTIONS = ("none", "to", "from", "both")
"""The `subscription` of a roster item (RFC 6121 §2.1.2.5) by its bits `TO` and `FROM`."""

TYPES = ("subscribe", "unsubscribe", "subscribed", "unsubscribed")
"""The presence types that ask for, end, grant and refuse a subscription (RFC 6121 §3)."""


class Step(NamedTuple):
    """What a stanza does to a state: the state that follows, and whether it goes on.

    On the sender's side it goes on to the contact, on the recipient's to the user's clients.
    """

    state: int
    passes: bool


def _table(rows: dict[int, tuple[int, bool]]) -> dict[int, Step]:
    return {state: Step(*row) for state, row in rows.items()}


# §A.2: the user's server, and a stanza of the user's to the contact. What asks for or ends the
# user's own subscription always goes on, since the contact's server may think otherwise.
OUTBOUND: dict[str, dict[int, Step]] = {
    "subscribe": _table(  # §A.2.1
        {
            NONE: (NONE_OUT, True),
            NONE_OUT: (NONE_OUT, True),
            NONE_IN: (NONE_OUT_IN, True),
            NONE_OUT_IN: (NONE_OUT_IN, True),
            TO: (TO, True),
            TO_IN: (TO_IN, True),
            FROM: (FROM_OUT, True),
            FROM_OUT: (FROM_OUT, True),
            BOTH: (BOTH, True),
        }
    ),
    "unsubscribe": _table(  # §A.2.2
        {
            NONE: (NONE, True),
            NONE_OUT: (NONE, True),
            NONE_IN: (NONE_IN, True),
            NONE_OUT_IN: (NONE_IN, True),
            TO: (NONE, True),
            TO_IN: (NONE_IN, True),
            FROM: (FROM, True),
            FROM_OUT: (FROM, True),
            BOTH: (FROM, True),
        }
    ),
    "subscribed": _table(  # §A.2.3; where it does not go on it may be a pre-approval (§3.4)
        {
            NONE: (NONE, False),
            NONE_OUT: (NONE_OUT, False),
            NONE_IN: (FROM, True),
            NONE_OUT_IN: (FROM_OUT, True),
            TO: (TO, False),
            TO_IN: (BOTH, True),
            FROM: (FROM, False),
            FROM_OUT: (FROM_OUT, False),
            BOTH: (BOTH, False),
        }
    ),
    "unsubscribed": _table(  # §A.2.4
        {
            NONE: (NONE, False),
            NONE_OUT: (NONE_OUT, False),
            NONE_IN: (NONE, True),
            NONE_OUT_IN: (NONE_OUT, True),
            TO: (TO, False),
            TO_IN: (TO, True),
            FROM: (NONE, True),
            FROM_OUT: (NONE_OUT, True),
            BOTH: (TO, True),
        }
    ),
}

# §A.3: the user's server, and a stanza of the contact's to the user.
INBOUND: dict[str, dict[int, Step]] = {
    "subscribe": _table(  # §A.3.1; who has a subscription already is told so by the server
        {
            NONE: (NONE_IN, True),
            NONE_OUT: (NONE_OUT_IN, True),
            NONE_IN: (NONE_IN, False),
            NONE_OUT_IN: (NONE_OUT_IN, False),
            TO: (TO_IN, True),
            TO_IN: (TO_IN, False),
            FROM: (FROM, False),
            FROM_OUT: (FROM_OUT, False),
            BOTH: (BOTH, False),
        }
    ),
    "unsubscribe": _table(  # §A.3.2
        {
            NONE: (NONE, False),
            NONE_OUT: (NONE_OUT, False),
            NONE_IN: (NONE, True),
            NONE_OUT_IN: (NONE_OUT, True),
            TO: (TO, False),
            TO_IN: (TO, True),
            FROM: (NONE, True),
            FROM_OUT: (NONE_OUT, True),
            BOTH: (TO, True),
        }
    ),
    "subscribed": _table(  # §A.3.3
        {
            NONE: (NONE, False),
            NONE_OUT: (TO, True),
            NONE_IN: (NONE_IN, False),
            NONE_OUT_IN: (TO_IN, True),
            TO: (TO, False),
            TO_IN: (TO_IN, False),
            FROM: (FROM, False),
            FROM_OUT: (BOTH, True),
            BOTH: (BOTH, False),
        }
    ),
    "unsubscribed": _table(  # §A.3.4
        {
            NONE: (NONE, False),
            NONE_OUT: (NONE, True),
            NONE_IN: (NONE_IN, False),
            NONE_OUT_IN: (NONE_IN, True),
            TO: (NONE, True),
            TO_IN: (NONE_IN, True),
            FROM: (FROM, False),
            FROM_OUT: (FROM, True),
            BOTH: (FROM, True),
        }
    ),
}
