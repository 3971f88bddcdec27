"""What the server says of a user's presence in his name (RFC 6121 §4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.core import delay
from xmppd.core.host import Host
from xmppd.core.residents import Resident
from xmppd.core.sessions import Session, SessionDirectory
from xmppd.jid import JID
from xmppd.subscription import FROM
from xmppd.wire import build
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Stanza

log = Logger()

T = TypeVar("T")

LAST = object()
"""The key in `Resident.data` of a `storage.last.LastPresence`, None where there is none."""

DIRECTED = object()
"""The key in `Session.data`: a set of the addresses that directed presence went to."""

SLICE = 100
"""For how many contacts something is done in one turn of the reactor; others wait as long."""

MOST_DIRECTED = 1_000
"""To how many addresses a session's directed presence is remembered."""

_DELAYED = object()
"""The key in `Session.data` of its presence as those see it who ask for it later."""


def bug(failure: Failure) -> None:
    """Log what went wrong where nobody waits for an answer."""
    log.failure("presence could not be told", failure)


def of(kind: str, sender: JID, to: JID, *content: Tag) -> Stanza:
    """Presence of a type ("" for available) from one address to another."""
    stanza = build.stanza("presence", {"type": kind} if kind else {}, *content)
    stanza.sender, stanza.to = sender, to
    return stanza


def available(directory: SessionDirectory, account: JID) -> list[Session]:
    """The sessions of an account that are available."""
    return [session for session in directory.of(account) if session.priority is not None]


def acquainted(host: Host, contact: JID, accounts: Iterable[JID]) -> set[JID]:
    """Those of `accounts` with `contact`, a bare JID, in the roster, as far as is known at once."""
    get = host.residents.get
    return {
        account
        for account in accounts
        if (resident := get(account)) is None or resident.roster.get(contact) is not None
    }


def visible(host: Host, resident: Resident, viewer: JID) -> bool:
    """Whether `viewer` may see an account's presence: its user, or who is subscribed to it.

    Whom the user hides from by a privacy list may not (RFC 6121 §3, XEP-0016 §2.10).
    """
    if viewer.bare == resident.jid:
        return True
    if not resident.roster.state(viewer.bare) & FROM:
        return False
    if available(host.directory, resident.jid):
        return bool(shown(host, resident, viewer))
    farewell = of("unavailable", resident.jid, viewer)
    return host.hooks.account_out(farewell, resident) is not None


def shown(host: Host, resident: Resident, viewer: JID) -> list[Session]:
    """The available sessions that a `viewer`, who may see the account's presence, sees."""
    sessions = available(host.directory, resident.jid)
    return [session for session in sessions if not hidden(host, session, viewer)]


def hidden(host: Host, session: Session, viewer: JID) -> bool:
    """Whether a session hides its presence from `viewer`, of whatever subscription."""
    outgoing = host.hooks.presence_out
    if not outgoing.handlers:
        return False
    return outgoing(of("", session.jid, viewer), session) is None


def send(host: Host, session: Session, stanza: Stanza, contacts: Iterable[JID]) -> None:
    """Send a session's own presence to contacts, but not to whom the user hides from."""
    sending(host, session, stanza)(contacts)


def sending(host: Host, session: Session, stanza: Stanza) -> Callable[[Iterable[JID]], None]:
    """What sends a session's presence to contacts, bit by bit: also once the session has ended.

    Who hides it from some is asked for each of them, even if the session was the last one that he
    was there for.
    """
    route, outgoing = host.router.route, host.hooks.presence_out
    at_first = outgoing.handlers

    def to(contacts: Iterable[JID]) -> None:
        handlers = outgoing.handlers or at_first
        if not handlers:
            for contact in contacts:
                route(stanza.addressed(contact))
            return
        for contact in contacts:
            copy: Stanza | None = stanza.addressed(contact)
            for handler in handlers:
                copy = None if copy is None else handler(copy, session)
            if copy is not None:
                route(copy)

    return to


def say(host: Host, resident: Resident | None, stanza: Stanza) -> None:
    """Send presence in an account's own name, but not to whom the user hides from.

    `resident` is None where there is no such account: it says the same.
    """
    said = stanza if resident is None else host.hooks.account_out(stanza, resident)
    if said is not None:
        host.router.route(said)


def show(host: Host, account: JID, contact: JID) -> None:
    """Send a contact the presence of each of the user's available resources (§3.1.5, §4.3.2)."""
    for session in available(host.directory, account):
        send(host, session, current(session), (contact,))


def current(session: Session) -> Stanza:
    """The presence of an available session, stamped with when it was sent (XEP-0203 §4)."""
    now = session.presence
    assert now is not None
    kept: tuple[Stanza, Stanza] | None = session.data.get(_DELAYED)
    if kept is not None and kept[0] is now:
        return kept[1]
    delayed = delay.stamped(now, session.jid.domain, session.present_since)
    session.data[_DELAYED] = now, delayed
    return delayed


def hide(host: Host, sessions: Iterable[Session], contact: JID) -> None:
    """Tell a contact that sessions which he has seen are gone for him (§3.2.2, §3.3.3).

    Which they are has to be found out (`shown`) while he still may see them: by a privacy list
    for strangers he may not even be told, once he is one.
    """
    for session in sessions:
        if session.available:
            host.router.route(of("unavailable", session.jid, contact))


def in_slices(
    later: Callable[[float, Callable[[], None]], object],
    contacts: Iterable[T],
    act: Callable[[Iterable[T]], None],
    done: Callable[[], None],
) -> None:
    """Have `act` done for `SLICE` of them in each turn of the reactor, then `done`."""
    contacts = tuple(contacts)

    def step(start: int) -> None:
        act(contacts[start : start + SLICE])
        if start + SLICE < len(contacts):
            later(0, lambda: step(start + SLICE))
        else:
            done()

    step(0)
