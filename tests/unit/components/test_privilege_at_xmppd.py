"""What xmppd grants a component of the kit, used (XEP-0356): both in memory."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from components.common.build import Tag
from components.common.privilege import Permissions, Privilege, Push
from components.common.requests import RequestFailed
from tests.support.deferred import result
from tests.support.meeting import Meeting
from xmppd import ns
from xmppd.jid import JID

JULIET = JID.parse("juliet@capulet.lit")
BODY = f"{{{ns.CLIENT}}}body"


class Privileged(Meeting):
    def __init__(self, **grants: Any) -> None:
        super().__init__(**grants)
        self.privilege = Privilege(self.component)

    def done(self, work: Any) -> Any:
        """The outcome of a coroutine that needs the server."""
        later = work if isinstance(work, Deferred) else Deferred.fromCoroutine(work)
        self.pump()
        return result(later)


def test_it_is_told_what_it_is_granted() -> None:
    """§4.2, §5.2, §6.2, §7.2."""
    meeting = Privileged(
        roster="both", message="outgoing", presence="roster", iq={ns.PRIVATE: "get"}
    )
    meeting.start()
    assert meeting.privilege.of(JULIET) == Permissions(
        "both", True, "outgoing", "roster", {ns.PRIVATE: "get"}
    )


def test_rosters_are_read_set_and_pushed() -> None:
    """§4.3, §4.4."""
    meeting = Privileged(roster="both")
    pushes: list[Push] = []
    meeting.privilege.on_roster_push(pushes.append)
    meeting.start()
    assert meeting.done(meeting.privilege.roster(JULIET)) == []
    item = Tag("item", {"jid": "nurse@capulet.lit", "name": "Nurse"})
    meeting.done(meeting.privilege.set_roster_item(JULIET, item))
    [contact] = meeting.done(meeting.privilege.roster(JULIET))
    assert contact.get("name") == "Nurse"
    juliet = meeting.server.log_in("juliet", "balcony")
    juliet.ask(f"<query xmlns='{ns.ROSTER}'><item jid='paris@capulet.lit'/></query>", type_="set")
    meeting.pump()
    assert (pushes[-1].account, pushes[-1].item.get("jid")) == (JULIET, "paris@capulet.lit")


def test_a_message_comes_as_from_the_account() -> None:
    """§5.3."""
    meeting = Privileged(message="outgoing")
    meeting.start()
    romeo = meeting.server.log_in("romeo", "orchard")
    meeting.privilege.message(JULIET, JID.parse(romeo.jid), b"<body>Ay me</body>", type_="chat")
    meeting.pump()
    got = romeo.one()
    assert (got.get("from"), got.findtext(BODY)) == (JULIET, "Ay me")


def test_a_request_is_answered_to_who_asked_in_its_name() -> None:
    """§6.3: the result, and an error."""
    meeting = Privileged(iq={ns.PING: "get", "urn:x": "get"})
    meeting.start()
    server = JID.parse("capulet.lit")
    answer = meeting.done(meeting.privilege.ask(JULIET, server, "get", Tag("ping", ns=ns.PING)))
    assert (answer.type, answer.sender) == ("result", server)
    with pytest.raises(RequestFailed, match="service-unavailable"):
        meeting.done(meeting.privilege.ask(JULIET, server, "get", Tag("x", ns="urn:x")))


def test_presence_is_seen() -> None:
    """§7.3."""
    meeting = Privileged(presence="managed_entity")
    seen: list[tuple[str, str]] = []
    meeting.privilege.on_presence(lambda stanza: seen.append((stanza.sender, stanza.type)))
    meeting.start()
    juliet = meeting.server.log_in("juliet", "balcony")
    juliet.send("<presence/>")
    meeting.pump()
    juliet.send("<presence type='unavailable'/>")
    meeting.pump()
    assert seen == [(juliet.jid, ""), (juliet.jid, "unavailable")]
