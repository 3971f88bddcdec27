"""What a component owes answers to, and to whom: others leave room for the server's users."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from xmppd.core.components import pending as pending_module
from xmppd.core.components.pending import SECONDS, Pending
from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd.wire.stanza import Stanza

PUBSUB = JID.parse("pubsub.capulet.lit")


class Asked:
    """A component of capulet.lit that is asked."""

    def __init__(self) -> None:
        self.bounced: list[Stanza] = []
        self.clock = Clock()
        self.pending = Pending(
            lambda stanza, error: self.bounced.append(stanza), self.clock, {"capulet.lit"}
        )

    def ask(self, domain: str, times: int, *, who: str = "") -> int:
        """How many requests of somebody at a domain are passed on, each another's unless `who`."""
        for n in range(times):
            sender = JID.parse(who or f"a{n}@{domain}/x")
            request = Stanza("iq", {"type": "get", "id": f"{n}"}, [], b"", sender=sender, to=PUBSUB)
            try:
                crowd = self.pending.room_for(request)
            except StanzaError:
                return n
            self.pending.add(request, crowd)
        return times


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_module, "MOST", 20)
    monkeypatch.setattr(pending_module, "MOST_OF_ONE", 4)


def test_one_server_leaves_room_for_others_and_all_of_them_for_users() -> None:
    asked = Asked()
    assert asked.ask("m1.iago.lit", 3) == 3
    assert asked.ask("m2.iago.lit", 3) == 1
    assert [asked.ask(f"m{n}.lit", 3) for n in range(4)] == [3, 3, 0, 0]
    assert asked.ask("capulet.lit", 30) == 10


def test_what_is_answered_makes_room() -> None:
    asked = Asked()
    asked.ask("iago.lit", 4)
    assert asked.pending.answered((JID.parse("a0@iago.lit/x"), "0", PUBSUB))
    assert not asked.pending.answered((JID.parse("a0@iago.lit/x"), "0", PUBSUB))
    assert asked.ask("x.iago.lit", 4) == 1
    asked.clock.pump([SECONDS / 4] * 8)
    assert len(asked.bounced) == 4
    assert asked.ask("iago.lit", 9) == 4
    asked.pending.give_up("component.absent")
    assert not asked.pending._askers


def test_one_user_leaves_room_for_others() -> None:
    """Whatever his resources; the server itself asks for many, and a component as well."""
    asked = Asked()
    assert asked.ask("", 3, who="juliet@capulet.lit/balcony") == 3
    assert asked.ask("", 3, who="juliet@capulet.lit/tomb") == 1
    assert asked.ask("", 3, who="romeo@capulet.lit") == 3
    assert asked.pending.answered((JID.parse("juliet@capulet.lit/tomb"), "0", PUBSUB))
    assert asked.ask("", 3, who="juliet@capulet.lit") == 1
    assert asked.ask("", 6, who="capulet.lit") == 6
    asked.pending.give_up("component.absent")
    assert not asked.pending._askers


def test_users_here_leave_room_for_those_elsewhere() -> None:
    asked = Asked()
    assert asked.ask("capulet.lit", 12) == 12
    assert asked.ask("m1.lit", 4) == 4
