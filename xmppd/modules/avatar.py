"""vCard-Based Avatars (XEP-0153): presence says which avatar a user has, if his client does not.

Whoever has the vCards of an account, a component to which `vcard-temp` is delegated, tells the
hash of the photo in an IQ set to the account, by the very element that presence is to have:

    <x xmlns='vcard-temp:x:update'><photo>HASH</photo></x>

It is stamped on whatever presence that account's clients send (XEP-0398 §4), and on what they have
sent already: contacts are told of a new avatar at once.
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from xmppd import ns
from xmppd.core import presence
from xmppd.core.context import ModuleContext
from xmppd.core.host import Host
from xmppd.core.iq import On, Request
from xmppd.core.residents import Resident
from xmppd.core.sessions import Session
from xmppd.errors import StanzaError
from xmppd.phases import Phase
from xmppd.wire import canonical
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Stanza

XEP = (153, "1.1.1", "complete")

AVATAR = object()
"""The key in `Resident.data` of the hash, "" where there is no avatar any more, None for never."""

_UPDATE = f"{ns.AVATAR_UPDATE} x"
_X = f"{{{ns.AVATAR_UPDATE}}}x"
_PHOTO = f"{{{ns.AVATAR_UPDATE}}}photo"
_HASH = re.compile("[0-9a-fA-F]{40}|")

_STAMPED = object()
"""The key in `Session.data` of presence as its client sent it, and as it was stamped."""


def register(context: ModuleContext) -> None:
    """Take the hashes, and stamp presence with them."""
    avatars = Avatars(context.host)
    context.keep(AVATAR, context.host.stores.avatars.load)
    context.iq(On.ACCOUNT, "set", _UPDATE, avatars.told)
    context.hook(context.hooks.client_presence, Phase.REWRITE, avatars.sent)


class Avatars:
    """The avatars of all accounts."""

    def __init__(self, host: Host) -> None:
        self._host = host

    # ------------------------------------------------------------------ what clients send

    def sent(self, stanza: Stanza, session: Session) -> Stanza:
        """Stamp available presence, broadcast or directed (XEP-0398 §4)."""
        hash_ = session.resident.data.get(AVATAR)
        if hash_ is None or stanza.type:
            return stanza
        stamped = _stamped(stanza, hash_)
        if stamped is not stanza and stanza.to is None:
            session.data[_STAMPED] = stanza, stamped
        return stamped

    # ------------------------------------------------------------------ what the component tells

    async def told(self, request: Request) -> None:
        """Keep the hash of a photo, and let the account's contacts know."""
        host, account = self._host, request.to
        grants = host.components.grants(request.sender, account.domain)
        if grants is None or ns.VCARD not in grants.delegation:
            # All others read what they would read where there is no such account.
            raise StanzaError("service-unavailable", reason="stanza.forbidden")
        hash_ = _hash(request.payload)
        resident = await host.residents.fetch(account)
        if resident is None or resident.guest:
            raise StanzaError("item-not-found", reason="stanza.no-such-user")
        await resident.lock.acquire()
        try:
            if hash_ == (resident.data.get(AVATAR) or ""):
                return
            await host.stores.avatars.put(resident.id, hash_)
            resident.data[AVATAR] = hash_
        finally:
            resident.lock.release()
        self._tell(resident, hash_)

    def _tell(self, resident: Resident, hash_: str) -> None:
        """Send the presence of an account's clients anew, but of those who name an avatar."""
        for session in presence.available(self._host.directory, resident.jid):
            now = session.presence
            assert now is not None
            sent, stamped = session.data.get(_STAMPED) or (now, now)
            if stamped is not now:
                sent = now
            new = _stamped(sent, hash_)
            if new is not sent:
                session.data[_STAMPED] = sent, new
                session.presence = new
                self._host.hooks.presence(session, new, session.priority)


def _stamped(stanza: Stanza, hash_: str) -> Stanza:
    """Presence that names the avatar; the same where the client names one, or says it has none.

    Who says no more than that it knows avatars is overruled (XEP-0398 §4).
    """
    inner, children = stanza.inner, stanza.children
    if _UPDATE in children:
        element = stanza.element
        if element.find(f"{_X}/{_PHOTO}") is not None:
            return stanza
        inner = b"".join(canonical.written(child) for child in element if child.tag != _X)
        children = [name for name in children if name != _UPDATE]
    return stanza.with_inner(inner + _update(hash_), [*children, _UPDATE])


def _update(hash_: str) -> bytes:
    return Tag("x", {}, [Tag("photo", {}, hash_)], ns=ns.AVATAR_UPDATE).render()


def _hash(update: Element) -> str:
    """The hash that an element names, "" for no avatar, in lower case (XEP-0153 §3.1)."""
    photo = update.find(_PHOTO)
    hash_ = None if photo is None else (photo.text or "").strip()
    if hash_ is None or not _HASH.fullmatch(hash_):
        raise StanzaError("bad-request", "no hash of a photo", reason="avatar.malformed")
    return hash_.lower()
