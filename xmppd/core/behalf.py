"""What somebody else sends in an account's name (XEP-0356), by the path of the user's own stanzas.

There is no session: one is made that nobody can address, so that whoever looks at what clients
send looks at this, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from xmppd.core import multicast, presence
from xmppd.core.host import Host
from xmppd.core.iq import Request
from xmppd.core.multicast import Alike
from xmppd.core.residents import Resident
from xmppd.core.router import LONGEST_ID
from xmppd.core.sessions import Session
from xmppd.errors import StanzaError, StreamError
from xmppd.jid import JID, JIDError
from xmppd.wire import addresses
from xmppd.wire.stanza import Stanza


async def resident_of(host: Host, account: JID) -> Resident:
    """The account of a bare JID. Raises StanzaError `forbidden` where there is none."""
    resident: Resident | None = await host.residents.fetch(account)
    if resident is None or resident.guest:
        raise StanzaError("forbidden", "there is no such user", reason="privilege.entity")
    return resident


async def asker(host: Host, request: Request) -> Session | None:
    """The session that asks its own account; None where somebody else asks.

    Where the account's bare JID asks, that is somebody in its name, by a session like that of
    `send`: nobody else can send from there.
    """
    if not request.own:
        return None
    if request.session is not None or not request.sender.is_bare:
        return request.session
    resident: Resident | None = await host.residents.fetch(request.to)
    return None if resident is None or resident.guest else _session(resident)


def send(host: Host, resident: Resident, stanza: Stanza) -> None:
    """Send a stanza in the name of an account's bare JID.

    Raises StanzaError `not-acceptable` where the user himself could not send it to whom he blocks.
    What else becomes of it is told to the account, not to who has sent it.
    """
    to = stanza.to
    if to is not None:
        stanza.sender = resident.jid
        if host.hooks.account_out(stanza, resident) is None:
            raise StanzaError("not-acceptable", reason="privacy.outgoing", type="cancel")
        stanza = _discreet(host, resident, stanza, to)
    host.router.from_client(_session(resident), stanza)


def _discreet(host: Host, resident: Resident, stanza: Stanza, to: JID) -> Stanza:
    """A message that tells nobody to reply to a session which hides itself from him (XEP-0033).

    Who has sent it knows nothing of the user's privacy lists (XEP-0016 §2.11).
    """
    if (
        stanza.kind != "message"
        or not host.hooks.presence_out.handlers
        or not multicast.is_for_many(stanza)
    ):
        return stanza

    def hidden(named: str) -> bool:
        try:
            jid = JID.parse(named)
        except JIDError:
            return False
        if jid.bare != resident.jid or not jid.resource or to.bare == resident.jid:
            return False
        session = host.directory.get(jid)
        return session is None or presence.hidden(host, session, to)

    return addresses.without_replies(stanza, hidden)


def send_to_many(host: Host, resident: Resident, stanza: Stanza, most: int) -> None:
    """Send a message in the name of an account's bare JID to each whom its address header names.

    Each copy goes the way of one that `send` sends. Raises StanzaError as `core.multicast` does,
    before anything is sent; and `not-acceptable` for whom the user himself could not send it to,
    when all others have it.
    """
    if len(stanza.id) > LONGEST_ID:
        raise StanzaError("bad-request", "too long an id", reason="stanza.id")
    attrs = {name: value for name, value in stanza.attrs.items() if name != "to"}
    stanza = stanza.with_attrs(attrs)
    stanza.sender = resident.jid
    alike = multicast.alike(host, stanza, most)
    if alike is None:
        _send_each(host, resident, stanza, multicast.read(host, stanza, most).each(own_bcc=False))
    elif _concerns(host, alike):
        copies = map(alike.stanza.addressed, alike.to.jids)
        _send_each(host, resident, stanza, copies)
    else:
        host.router.spread(alike.stanza, alike.to)


def _concerns(host: Host, alike: Alike) -> bool:
    """Whether anybody has to see the copies of a message on their way out."""
    concerned = host.hooks.concerned_out
    accounts = alike.to.accounts
    return concerned is None or any(each(alike.stanza, accounts) for each in concerned)


def _send_each(host: Host, resident: Resident, whole: Stanza, copies: Iterable[Stanza]) -> None:
    """Send copies of a stanza; whatever happens to one, the others go on."""
    refused: StanzaError | None = None
    for copy in copies:
        copy.claim = claim = None if whole.claim is None else whole.claim.part()
        try:
            send(host, resident, copy)
        except StanzaError as error:
            refused = error
        finally:
            if claim is not None:
                claim.let_go()
    if refused is not None:
        raise refused


def _session(resident: Resident) -> Session:
    return Session(resident.jid, resident=resident, write=_nowhere, end=_not_at_all, hold=_no_hold)


def _nowhere(data: bytes) -> None:
    """There is no client to write to."""


def _not_at_all(error: StreamError) -> None:
    """There is no stream to end."""


def _no_hold() -> Callable[[], None]:
    return _nothing


def _nothing() -> None:
    """Nothing was held."""
