"""What the log and the refusals are told of a client's connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.logger import Logger

from xmppd.errors import SASLFailure, StanzaError, StreamError
from xmppd.jid import JID
from xmppd.stream.states import Fact

if TYPE_CHECKING:
    from xmppd.core.connection import ClientConnection

log = Logger()


def opened(connection: ClientConnection) -> None:
    """A client has connected."""
    if connection.host.debugging:
        log.debug("stream from {address} opened", address=connection.address)


def bound(connection: ClientConnection, jid: JID) -> None:
    """It has logged in, and `jid` is its session."""
    if connection.host.debugging:
        stream = connection.stream
        log.debug(
            "{jid} bound from {address}: {tls}, {mechanism}",
            jid=jid,
            address=connection.address,
            tls=stream.tls().version if stream.facts & Fact.SECURE else "no TLS",
            mechanism=stream.authentication.mechanism or "Non-SASL",
        )


def closed(connection: ClientConnection) -> None:
    """It is gone."""
    if connection.host.debugging:
        who = connection.who
        log.debug("stream of {who} from {address} closed", who=who, address=connection.address)


def ended(connection: ClientConnection, error: StreamError) -> None:
    """Its stream was ended with `error`."""
    who, address = connection.who, connection.address
    connection.host.refusals.note(error.reason, who, "", address, error.detail)
    log.info(
        "stream of {who} from {address} ended: {error}", who=who, address=address, error=str(error)
    )


def login_failed(connection: ClientConnection, username: str, failure: SASLFailure) -> None:
    """It tried to log in as `username`, and did not get in."""
    domain, address = connection.stream.domain, connection.address
    who = f"{username}@{domain}" if username else domain
    connection.host.refusals.note(failure.reason, who, "", address)
    log.info(
        "login of {who} from {address} failed: {error}",
        who=who,
        address=address,
        error=str(failure),
    )


def refused(connection: ClientConnection, error: SASLFailure | StanzaError) -> None:
    """What it asked for before it had a session was refused."""
    note = connection.host.refusals.note
    note(error.reason, connection.who, "", connection.address, error.detail)
