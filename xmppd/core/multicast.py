"""Whom a stanza with an address header is for, and the copies of it (XEP-0033 §4, §6)."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from xmppd.core.host import Host
from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd.wire import addresses
from xmppd.wire.addresses import Address, AddressHeader
from xmppd.wire.recipients import Recipients
from xmppd.wire.stanza import Stanza


class Alike(NamedTuple):
    """A stanza of which all copies are alike, and whom they are for."""

    stanza: Stanza
    to: Recipients


def is_for_many(stanza: Stanza) -> bool:
    """Whether a stanza has an address header."""
    return stanza.blind is not None or addresses.NAME in stanza.children


def alike(host: Host, stanza: Stanza, most: int) -> Alike | None:
    """A stanza without its blind copies where it is plainly for these alone, else None.

    Raises StanzaError as `read` does.
    """
    blind = addresses.read_blind(stanza, most)
    if blind is None:
        return None
    _check(host, blind.to.domains)
    return Alike(stanza.with_inner(blind.content), blind.to)


class Copies(NamedTuple):
    """A stanza, its header, and for whom it is, each once."""

    stanza: Stanza
    header: AddressHeader
    recipients: dict[JID, Address]

    def each(self, *, own_bcc: bool) -> Iterator[Stanza]:
        """A copy for each recipient. All that are alike are written once.

        `own_bcc` gives those of blind copies their own address (§4.6.3).
        """
        stanza, header = self.stanza, self.header
        children = [name for name in stanza.children if name != addresses.NAME or header.open]
        alike = stanza.with_inner(header.content(), children)
        for jid, address in self.recipients.items():
            if own_bcc and address.type == "bcc":
                yield stanza.with_inner(header.content(address)).addressed(jid)
            else:
                yield alike.addressed(jid)


def read(host: Host, stanza: Stanza, most: int) -> Copies:
    """The copies of a stanza that has a header of `most` addresses at most.

    Raises StanzaError (§9): `not-acceptable` for more, `jid-malformed`, and `bad-request` for a
    header that is none, or names nobody, or the service itself.
    """
    header = addresses.read(stanza, most)
    recipients = _recipients(header)
    if not recipients:
        raise StanzaError(
            "bad-request", "nobody is left to send it to", reason="multicast.malformed"
        )
    _check(host, {jid.domain for jid in recipients if not jid.local})
    return Copies(stanza, header, recipients)


def _check(host: Host, domains: AbstractSet[str]) -> None:
    """Refuse what is for one of `domains` if that is the service: it would come here again."""
    if not domains.isdisjoint(host.domains):
        raise StanzaError("bad-request", "not to the service itself", reason="multicast.malformed")


def _recipients(header: AddressHeader) -> dict[JID, Address]:
    """Whom a stanza is for, each once: openly rather than in a blind copy."""
    recipients: dict[JID, Address] = {}
    for address in header.addresses:
        if address.to is not None:
            known = recipients.get(address.to)
            if known is None or known.type == "bcc":
                recipients[address.to] = address
    return recipients
