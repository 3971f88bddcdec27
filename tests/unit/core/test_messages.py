"""What a message holds, told by its children: hints (XEP-0334), chat states, its worth."""

from __future__ import annotations

import pytest

from tests.support.sessions import read
from xmppd import ns
from xmppd.core.messages import (
    HINTS,
    Worth,
    has_body,
    hinted,
    only_chat_state,
    worth,
)
from xmppd.wire.stanza import Stanza

BODY = "<body>O blessed, blessed night!</body>"
THREAD = "<thread>0e3141cd80894871a68e6fe6b1ec56fa</thread>"
STATE = f"<composing xmlns='{ns.CHAT_STATES}'/>"
DELAY = f"<delay xmlns='{ns.DELAY}' stamp='2002-09-10T23:08:25Z'/>"
ORIGIN = f"<origin-id xmlns='{ns.STANZA_ID}' id='1'/>"
RECEIPT = f"<received xmlns='{ns.RECEIPTS}' id='1'/>"
ENCRYPTED = "<encrypted xmlns='eu.siacs.conversations.axolotl'/>"


def hint(name: str) -> str:
    return f"<{name} xmlns='{ns.HINTS}'/>"


def message(inner: str, type_: str = "chat") -> Stanza:
    return read(f"<message type='{type_}'>{inner}</message>")


# ---------------------------------------------------------------- XEP-0334


def test_0334_4_these_are_the_hints() -> None:
    assert sorted(HINTS) == ["no-copy", "no-permanent-store", "no-store", "store"]


@pytest.mark.parametrize("name", HINTS)
def test_0334_4_a_hint_is_a_child_of_the_message(name: str) -> None:
    assert hinted(message(BODY + hint(name)), name)
    for inner in (
        BODY,
        "".join(hint(other) for other in HINTS if other != name),
        f"<{name}/>",
        f"<{name} xmlns='urn:example:hints'/>",
        f"<forwarded xmlns='{ns.FORWARD}'>{hint(name)}</forwarded>",
    ):
        assert not hinted(message(inner), name), inner


@pytest.mark.parametrize("name", HINTS)
@pytest.mark.parametrize("type_", ["chat", "normal", "groupchat", "headline", "error"])
def test_0334_5_hints_in_errors_are_ignored(name: str, type_: str) -> None:
    assert hinted(message(hint(name), type_), name) is (type_ != "error")


# ---------------------------------------------------------------- bodies and chat states


@pytest.mark.parametrize(
    ("inner", "has"),
    [
        (BODY, True),
        ("<body/>", True),
        (f"{STATE}{BODY}", True),
        ("", False),
        ("<subject>x</subject>", False),
        ("<body xmlns='http://www.w3.org/1999/xhtml'>x</body>", False),
        (f"<x xmlns='urn:example:x'>{BODY}</x>", False),
    ],
)
def test_a_body_is_a_child_of_the_messages_own_namespace(inner: str, has: bool) -> None:
    assert has_body(message(inner)) is has


@pytest.mark.parametrize(
    ("inner", "only"),
    [
        (STATE, True),
        (STATE + THREAD, True),
        (STATE + THREAD + hint("no-store") + ORIGIN + DELAY, True),
        *((f"<{state} xmlns='{ns.CHAT_STATES}'/>", True) for state in ("active", "gone", "paused")),
        (STATE + BODY, False),
        (STATE + RECEIPT, False),
        (STATE + ENCRYPTED, False),
        (STATE + "<subject>x</subject>", False),
        (f"{STATE}<thread xmlns='urn:example:x'/>", False),
        (THREAD, False),
        (BODY, False),
        ("", False),
        (f"<composing xmlns='{ns.CHAT_STATES}x'/>", False),
    ],
)
def test_0085_5_1_a_chat_state_alone_may_have_a_thread_and_what_is_only_passing(
    inner: str, only: bool
) -> None:
    assert only_chat_state(message(inner)) is only


# ---------------------------------------------------------------- what becomes of it


KEEP, REFUSE, PASS = Worth


@pytest.mark.parametrize(
    ("inner", "becomes"),
    [
        # XEP-0160 §3
        (BODY, KEEP),
        (BODY + STATE + THREAD, KEEP),
        ("<subject>Rendezvous</subject>", KEEP),
        (RECEIPT, KEEP),
        (ENCRYPTED, KEEP),
        (STATE, PASS),
        (STATE + THREAD + ORIGIN, PASS),
        # nothing that anybody could read later: its sender is told (§2, step 3)
        ("", REFUSE),
        (THREAD, REFUSE),
        (ORIGIN + DELAY, REFUSE),
        # XEP-0334 §4.1: an archive is something else than waiting to be delivered
        (BODY + hint("no-permanent-store"), KEEP),
        (STATE + hint("no-permanent-store"), PASS),
        # §4.2
        (BODY + hint("no-store"), REFUSE),
        (ENCRYPTED + hint("no-store"), REFUSE),
        (RECEIPT + hint("no-store"), REFUSE),
        (STATE + hint("no-store"), PASS),
        (hint("no-store"), REFUSE),
        # §4.3 says nothing of it
        (BODY + hint("no-copy"), KEEP),
        (STATE + hint("no-copy"), PASS),
        # §4.4
        (STATE + hint("store"), KEEP),
        (THREAD + hint("store"), KEEP),
        (hint("store"), KEEP),
        # both: the more cautious one
        (BODY + hint("store") + hint("no-store"), REFUSE),
        (STATE + hint("store") + hint("no-store"), PASS),
    ],
)
@pytest.mark.parametrize("type_", ["chat", "normal"])
def test_0160_3_0334_4_what_becomes_of_a_message_whose_recipient_is_not_there(
    inner: str, becomes: Worth, type_: str
) -> None:
    assert worth(message(inner, type_)) is becomes
