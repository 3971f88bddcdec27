"""What a change of privacy lists does to presence (XEP-0016 §2.10, §2.11; XEP-0191 §3.3, §3.4).

Who may no longer see a user is told that he is gone, who may see him again where he is; and so is
the user of those whom he may no longer, or again, see.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from twisted.internet.task import deferLater

from xmppd.core import presence
from xmppd.core.host import Host
from xmppd.core.privacy import PRESENCE_IN, PRESENCE_OUT, PrivacyList
from xmppd.core.residents import Resident
from xmppd.core.roster import Roster
from xmppd.core.sessions import Session
from xmppd.jid import JID
from xmppd.subscription import FROM, TO

SLICE = 200
"""For how many addresses lists are compared in one turn of the reactor."""


class Switch(NamedTuple):
    """A session to which another list applies than before."""

    session: Session
    before: PrivacyList | None
    after: PrivacyList | None


async def follow(host: Host, resident: Resident, switches: Sequence[Switch]) -> None:
    """Have presence follow, of sessions of one account. The new lists are in force already."""
    alike: defaultdict[tuple[PrivacyList | None, PrivacyList | None], list[Session]]
    alike = defaultdict(list)
    for session, before, after in switches:
        alike[before, after].append(session)
    for (before, after), sessions in alike.items():
        contacts = _concerned(resident, sessions, filter(None, (before, after)))
        for start in range(0, len(contacts), SLICE):
            if start:
                await deferLater(host.clock, 0)
            for contact in contacts[start : start + SLICE]:
                roster = resident.roster
                was, now = _View(before, contact, roster), _View(after, contact, roster)
                _compare(host, roster.state(contact.bare), sessions, was, now)


def moved(
    host: Host,
    resident: Resident,
    session: Session,
    listed: PrivacyList,
    contact: JID,
    before: Roster,
) -> None:
    """Have presence follow for one session, by whose list a contact's item in the roster counts.

    `before` is the roster as far as that contact goes, as it was. Only of a subscription that was
    there then and is there now.
    """
    roster = resident.roster
    was, now = _View(listed, contact, before), _View(listed, contact, roster)
    _compare(host, before.state(contact) & roster.state(contact), (session,), was, now)


def _concerned(
    resident: Resident, sessions: Iterable[Session], lists: Iterable[PrivacyList]
) -> list[JID]:
    """Whom presence goes to or comes from: contacts, and single resources that a list names."""
    roster = resident.roster
    found = dict.fromkeys((*roster.subscribers, *roster.subscriptions))
    for session in sessions:
        found.update(dict.fromkeys(session.data.get(presence.DIRECTED, ())))
    for each in lists:
        jids = (JID.parse(item.value) for item in each.items if item.type == "jid")
        found.update(dict.fromkeys(jid for jid in jids if jid.resource))
    found.pop(resident.jid, None)
    return list(found)


class _View(NamedTuple):
    """What a list, or none, says of a contact, by a roster."""

    listed: PrivacyList | None
    contact: JID
    roster: Roster

    def permits(self, kind: int) -> bool:
        return self.listed is None or self.listed.permits(kind, self.contact, self.roster)


def _compare(
    host: Host, state: int, sessions: Iterable[Session], before: _View, after: _View
) -> None:
    contact = after.contact
    for kind in (PRESENCE_OUT, PRESENCE_IN):
        permitted = after.permits(kind)
        if before.permits(kind) == permitted:
            continue
        for session in sessions:
            if kind == PRESENCE_IN:
                if state & TO and session.available:
                    (_look_for if permitted else _lose_sight)(host, session, contact)
            elif permitted:
                if state & FROM and session.available:
                    presence.send(host, session, presence.current(session), (contact,))
            else:
                _vanish(host, session, contact, told=bool(state & FROM) and session.available)


def _vanish(host: Host, session: Session, contact: JID, *, told: bool) -> None:
    """Tell a contact that a session is gone, where he has seen it (XEP-0016 §2.11)."""
    directed: set[JID] = session.data.get(presence.DIRECTED, set())
    if told or contact in directed:
        directed.discard(contact)
        host.router.route(presence.of("unavailable", session.jid, contact))


def _lose_sight(host: Host, session: Session, contact: JID) -> None:
    """Tell a session that a contact is gone, where it has seen him (XEP-0016 §2.10)."""
    if contact.domain not in host.domains:
        session.deliver(presence.of("unavailable", contact, session.jid))
        return
    for other in presence.available(host.directory, contact.bare):
        if contact in (other.jid, other.account):
            farewell = presence.of("unavailable", other.jid, session.jid)
            if host.hooks.presence_out(farewell, other) is not None:  # else it was never seen
                session.deliver(farewell)


def _look_for(host: Host, session: Session, contact: JID) -> None:
    """Ask where a contact is, whom the session may see again (RFC 6121 §4.3)."""
    presence.send(host, session, presence.of("probe", session.jid, contact), (contact,))
