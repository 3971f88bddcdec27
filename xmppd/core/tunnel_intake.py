"""What a tunneled client has said, on its way to its stream: how fast, and when not at all.

There are two reasons not to read: an answer is owed, the client is over its rate. What comes
meanwhile waits here. The gateway is told to stop reading from the client when that becomes much,
and goes on carrying all others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from twisted.internet.interfaces import IDelayedCall

from xmppd import ns
from xmppd.core.connection import ClientConnection
from xmppd.core.host import Host
from xmppd.core.limits import Bucket
from xmppd.core.tunnel_outlet import Outlet
from xmppd.errors import StreamError
from xmppd.stream import header
from xmppd.wire import escape
from xmppd.wire.build import Tag
from xmppd.wire.stanza import XML_LANG
from xmppd.wire.tunneled import Item, Last, Left, Opened, Part

PAUSE_OCTETS = 16_384
"""How much waits when the gateway is told to stop,"""
MOST_WAITING = 4
"""and how many times the largest stanza may wait: the gateway hears of it late."""

READ_OCTETS = 65_536
"""How much of what has waited is read in one turn."""

_ENDS: Mapping[type[bytes], bool | None] = {bytes: None, Last: True, Part: False}
"""Whether one element ends with what was said; None where it may hold anything."""

_PAUSE, _RESUME = Tag("t:pause").render(), Tag("t:resume").render()


class Intake:
    """The reading half of a `TunnelWire`; `outlet` is the other one."""

    __slots__ = (
        "_bucket",
        "_host",
        "_octets",
        "_outlet",
        "_owed",
        "_throttle",
        "_told",
        "_waiting",
        "carried",
    )

    def __init__(self, host: Host, outlet: Outlet) -> None:
        self._host = host
        self._outlet = outlet
        self.carried: ClientConnection | None = None
        limits = host.config.limits
        self._bucket: Bucket | None = None
        if limits.read_rate:
            self._bucket = Bucket(limits.read_rate, limits.read_burst, host.clock.seconds())
        self._waiting: deque[bytes] = deque()
        self._octets = 0
        self._owed = self._told = False
        self._throttle: IDelayedCall | None = None

    def arrived(self, item: Item) -> None:
        """Read what the client has said, now or when there is nothing against it.

        What comes behind the end of the stream is dropped.
        """
        data = _as_on_tcp(item)
        if self._waiting or self._owed or self._throttle is not None:
            self._keep(data)
        else:
            self._read(data)

    def _read(self, data: bytes) -> None:
        if self.carried is not None:
            self.charge(len(data))
            self.carried.receive(data, ends=_ENDS[data.__class__])

    def _keep(self, data: bytes) -> None:
        if self.carried is None:
            return
        self._waiting.append(data)
        self._octets += len(data)
        if self._octets > MOST_WAITING * self.carried.stream.framer.limits.stanza:
            self.carried.end(StreamError("policy-violation", reason="limit.unread"))
        elif self._octets > PAUSE_OCTETS and not self._told:
            self._told = True
            self._outlet.put(_PAUSE)

    def _read_on(self) -> None:
        """Read what has waited, some of it in each turn."""
        room = READ_OCTETS
        while self._waiting and not self._owed and self._throttle is None:
            if room < 0:
                self._host.clock.callLater(0, self._read_on)
                return
            data = self._waiting.popleft()
            self._octets -= len(data)
            room -= len(data)
            self._read(data)
        if self._told and not self._waiting and self.carried is not None:
            self._told = False
            self._outlet.put(_RESUME)

    def finish(self) -> None:
        """Nothing more will come: the stream has what there is, or as much of it as it keeps."""
        if self._throttle is not None:
            self._throttle.cancel()
            self._throttle = None
        while self._waiting and self.carried is not None:
            data = self._waiting.popleft()
            self._octets -= len(data)
            if self._owed and len(data) > self.carried.stream.framer.room:
                return
            self.carried.receive(data, ends=_ENDS[data.__class__])

    def close(self) -> None:
        """Let go of the stream."""
        self.carried = None
        self._waiting.clear()
        if self._throttle is not None:
            self._throttle.cancel()
            self._throttle = None

    # ------------------------------------------------------------------ when not to read

    def pause(self) -> None:
        """An answer is owed."""
        self._owed = True

    def resume(self) -> None:
        """It was given. What has waited is read in a turn of its own, since more may be to do."""
        self._owed = False
        if self._waiting:
            self._host.clock.callLater(0, self._read_on)

    def charge(self, octets: int) -> None:
        """Hold the client to its rate, now that it has sent so many octets more."""
        if self._bucket is None or self.carried is None:
            return
        clock = self._host.clock
        wait = self._bucket.take(octets, clock.seconds())
        if wait <= 0:
            return
        if self._throttle is None:
            self._throttle = clock.callLater(wait, self._within_rate)
        else:
            self._throttle.reset(wait)

    def _within_rate(self) -> None:
        self._throttle = None
        self._read_on()


def _as_on_tcp(item: Item) -> bytes:
    """What a client has said as it would stand on TCP."""
    if isinstance(item, Opened):
        return _header(item.attrs)
    if isinstance(item, Left):
        return header.CLOSE
    return item


def _header(opened: Mapping[str, str]) -> bytes:
    attrs = (("to", "to"), ("from", "from"), ("version", "version"), (XML_LANG, "xml:lang"))
    shown = "".join(
        f" {name}='{escape.attribute(opened[key])}'" for key, name in attrs if key in opened
    )
    return f"<stream:stream xmlns='{ns.CLIENT}' xmlns:stream='{ns.STREAM}'{shown}>".encode()
