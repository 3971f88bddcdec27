"""A client's stream that a component carries (docs/session-tunnel.md): a `Wire` like TCP's.

The gateway is a program of ours or of the operator's; its client is a stranger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.logger import Logger

from xmppd.core.connection import ClientConnection
from xmppd.core.host import Host
from xmppd.core.limits import Admitted
from xmppd.core.tunnel_intake import Intake
from xmppd.core.tunnel_outlet import Outlet
from xmppd.errors import StreamError
from xmppd.jid import JID
from xmppd.stream.events import Ending, Failed, Offered, Opening, Send, Spoken
from xmppd.stream.policy import NO_TLS, Policy, TLSFacts
from xmppd.wire import faults, tunneled
from xmppd.wire.build import Raw, Tag
from xmppd.wire.tunneled import Said

log = Logger()


class TunnelWire:
    """The wire of one client, whose session has the address `sid` at the component.

    `domain` is where the gateway has opened it, and so who writes to it. `forget` is called once,
    when there is no stream any more.
    """

    __slots__ = (
        "_admitted",
        "_carried",
        "_forget",
        "_host",
        "_intake",
        "_outlet",
        "domain",
        "sid",
    )

    def __init__(
        self, host: Host, sid: JID, domain: JID, forget: Callable[[TunnelWire], None]
    ) -> None:
        self._host = host
        self.sid = sid
        self.domain = domain
        self._forget = forget
        self._carried: ClientConnection | None = None
        self._admitted: Admitted | None = None
        self._outlet = Outlet(host, self._tell, self.cut_off)
        self._intake = Intake(host, self._outlet)

    @property
    def domains(self) -> set[str]:
        """Where it was opened, and where its client is to be, or is."""
        carried = self._carried
        return {self.domain} if carried is None else {self.domain, carried.stream.domain}

    # ------------------------------------------------------------------ beginning and end

    def carry(
        self,
        policy: Policy,
        admitted: Admitted,
        *,
        address: str,
        secure: bool,
        opened: Mapping[str, str],
    ) -> None:
        """Carry a client's stream from its first header on, of which `opened` are the attributes.

        `secure` is whether nobody can read or change what goes between the client and the gateway.
        """
        self._admitted = admitted
        carried = ClientConnection(self._host, self, policy, address=address, tls_available=False)
        self._carried = self._intake.carried = carried
        if secure:
            carried.secured()
        self._intake.arrived(tunneled.Opened(opened))

    def lost(self) -> None:
        """The client's connection is gone, or the gateway with all of them.

        What it has brought is acted on all the same; nothing more is sent.
        """
        carried = self._carried
        self._intake.finish()
        self._outlet.discard()
        if carried is not None and self._let_go():
            carried.lost()

    def end(self, error: StreamError) -> None:
        """End the stream with `error`."""
        if self._carried is not None:
            self._carried.end(error)

    def cut_off(self, reason: str) -> None:
        """End the connection at once, for `reason`, a code of `xmppd.reasons`.

        Only the gateway is told, which has to do likewise.
        """
        self._outlet.discard()
        carried = self._carried
        if carried is None or not self._let_go():
            return
        who, address = carried.who, carried.address
        self._host.refusals.note(reason, who, "", address)
        log.info("{who} from {address} is cut off: {why}", who=who, address=address, why=reason)
        carried.lost()
        self._tell(_LOST, 0)

    def make_room(self) -> None:
        """Strangers are too many, and this one has been one for the longest time."""
        self.cut_off("limit.unauthenticated")

    def close(self) -> None:
        """The stream is closed; what was written goes out."""
        self._let_go()

    def _let_go(self) -> bool:
        """Have no more to do with the stream; False where that was so already."""
        if self._carried is None:
            return False
        self._carried = None
        self._intake.close()
        self._outlet.close()
        if self._admitted is not None:
            self._admitted.left()
        self._forget(self)
        return True

    # ------------------------------------------------------------------ the gateway

    def take(self, said: Said) -> None:
        """Take what a message of the gateway says, in its order."""
        if said.taken:
            self._outlet.answered(said.taken)
        for item in said.items:
            if item is tunneled.LOST:
                self.lost()
            else:
                self._intake.arrived(item)

    def _tell(self, content: bytes, ask: int) -> None:
        stanza = tunneled.message(content, ask)
        stanza.sender, stanza.to = self.domain, self.sid
        self._host.router.route(stanza)

    # ------------------------------------------------------------------ Wire

    def write(self, data: bytes) -> None:
        """Send an element when the turn ends."""
        self._outlet.put(tunneled.BEGIN, data, tunneled.END)

    def speak(self, spoken: Spoken) -> None:
        """Send what the stream says."""
        self._outlet.put(*_SPELLINGS[type(spoken)](spoken))

    def unsent(self) -> int:
        """How many of the octets written the client has not taken, as far as it was asked."""
        return self._outlet.unsent()

    def pause(self) -> None:
        """Read nothing for now."""
        self._intake.pause()

    def resume(self) -> None:
        """Read on."""
        self._intake.resume()

    def charge(self, octets: int) -> None:
        """Count octets against the client's rate as if it had sent them."""
        self._intake.charge(octets)

    def authenticated(self) -> None:
        """The client has logged in."""
        if self._admitted is not None:
            self._admitted.authenticated()

    def tls_facts(self) -> TLSFacts:
        """The TLS is the gateway's: no channel to bind to, no certificate of the client."""
        return NO_TLS

    def start_tls(self, domain: str) -> None:
        """Never asked for, since it is never offered here."""
        raise NotImplementedError

    def start_compression(self) -> None:
        """Never asked for, since it is never offered here."""
        raise NotImplementedError


_LOST = Tag("t:lost").render()


def _open(opening: Opening) -> bytes:
    attrs = {
        "from": opening.domain,
        "id": opening.stream_id,
        "xml:lang": "en",
        "to": None if opening.to is None else opening.to.bare,
        "version": "1.0" if opening.version >= (1, 0) else None,
    }
    return Tag("t:open", attrs).render()


def _whole(name: str, content: bytes) -> bytes:
    return Tag(name, {}, [Raw(content)] if content else ()).render()


_SPELLINGS: Mapping[type[Spoken], Callable[[Any], tuple[bytes, ...]]] = {
    Opening: lambda opening: (_open(opening),),
    Offered: lambda offered: (_whole("t:features", offered.content),),
    Send: lambda send: (tunneled.BEGIN, send.data, tunneled.END),
    Failed: lambda failed: (_whole("t:error", faults.stream_error_content(failed.error)),),
    Ending: lambda ending: (Tag("t:close").render(),),
}
"""What a stream says, as it stands in a message of the tunnel."""
