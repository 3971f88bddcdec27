"""An attempt to have a stream for a domain pair: what is tried, in which order (RFC 6120 §3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.defer import CancelledError
from twisted.internet.defer import TimeoutError as DeferredTimeout

from xmppd.core.s2s import conditions
from xmppd.core.s2s.connection import ServerConnection
from xmppd.core.s2s.outgoing import OutgoingConnection
from xmppd.core.s2s.places import Place
from xmppd.core.s2s.trail import Trail
from xmppd.errors import StanzaError

if TYPE_CHECKING:
    from xmppd.core.s2s.pair import Pair

SHARING_SECONDS = 5.0
"""How long a peer may take to say whether we may use a stream for another pair, too."""


async def reach(pair: Pair, trail: Trail) -> None:
    """Have a stream for a pair: one that may carry its questions, and its stanzas if any wait.

    Raises StanzaError: what the senders of those are told.
    """
    if pair.outgoing is not None:
        pair.outgoing.trail = trail
        await _use(pair, pair.outgoing)
        return
    remote = pair.remote
    asked = remote.shareable()
    shares = pair.wanted and not pair.resumes
    if shares and await _share(pair, asked, trail):
        return
    places = await remote.remotes.network.find(remote.domain, trail)
    there = remote.remotes.at(places, remote.domain)
    if shares and there is not asked and await _share(pair, there, trail):
        return
    remote.backoff.begin(places)
    pair.refused.begin(places)
    remote.follow(trail)
    try:
        await _try_all(pair, places, trail)
    except _Refused as refused:
        pair.refused.failed(refused.error)
        raise refused.error from None
    except StanzaError as error:
        remote.backoff.failed(error)
        raise
    except CancelledError:
        remote.backoff.failed(conditions.too_slow(remote.domain))
        raise


async def _try_all(pair: Pair, places: tuple[Place, ...], trail: Trail) -> None:
    """Try one place after the other; raises what the last one has failed with."""
    error: StanzaError | _Refused | None = None
    for place in places:
        try:
            await _try(pair, place, trail)
            return
        except StanzaError as failed:
            error = _Refused(failed) if failed.reason in conditions.PEERS_OWN else failed
    assert error is not None, "there is at least one place"
    raise error


class _Refused(Exception):
    """The peer does not let us send."""

    def __init__(self, error: StanzaError) -> None:
        super().__init__(error)
        self.error = error


async def _try(pair: Pair, place: Place, trail: Trail) -> None:
    """Try a place, once more by dialback where it has refused our certificate (XEP-0178 §3)."""
    for external in (True, False):
        connection = OutgoingConnection(pair, place, trail, external=external)
        try:
            await pair.remote.remotes.network.dial(place, connection, trail)
            await connection.negotiated
            await _use(pair, connection)
            return
        except StanzaError as error:
            if connection.open and connection.negotiated.called:
                if not connection.stream.asking:
                    connection.close()
                raise _Refused(error) from error
            if not (external and connection.stream.failed_external):
                raise


async def _use(pair: Pair, connection: OutgoingConnection) -> None:
    """Have a stream of ours that stands carry what there is."""
    pair.outgoing = connection
    pair.put_questions(connection)
    if not pair.wanted or pair.line is not None:
        pair.remote.backoff.succeeded()
        connection.trail.note("end", "it is asked about a key, and nothing is sent")
        return
    granting = pair.grant_on(connection)
    try:
        connection.authenticate()
        await granting
    except CancelledError:  # it takes too long
        connection.close()
        raise
    finally:
        if connection.stream.failed_external:
            connection.trail.note("sasl", "it does not take our certificate for ours", ok=False)
    pair.remote.backoff.succeeded()
    pair.refused.succeeded()
    by = connection.stream.shown_by
    connection.trail.note("end", f"stanzas may be sent from {pair.local}, by {by}")


async def _share(pair: Pair, shared: ServerConnection | None, trail: Trail) -> bool:
    """Whether a stream that is there already carries this pair, too (XEP-0220 §2.6)."""
    if shared is None:
        return False
    asked = f"{shared.stream.local} and {shared.stream.remote}"
    trail.note("dialback", f"asking on the stream of {asked}")
    granting = pair.grant_on(shared)
    granting.addTimeout(SHARING_SECONDS, pair.remote.remotes.host.clock)
    try:
        shared.request(pair.local, pair.remote.domain)
        await granting
    except (StanzaError, DeferredTimeout) as error:
        why = error if isinstance(error, StanzaError) else "no answer in time"
        trail.note("dialback", f"not on that stream: {why}", ok=False)
        return False
    trail.note("end", f"stanzas may be sent from {pair.local}")
    return True
