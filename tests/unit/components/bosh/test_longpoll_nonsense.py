"""Whatever clients and servers say by BOSH, all are answered, and nothing stays behind."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.boshing import MESSAGE, Asker, Bosh, Exchange
from tests.support.logs import logged

NUMBERS = st.sampled_from(["0", "1", "2", "60", "x", "-1", str(2**53)])
REQUEST = st.fixed_dictionaries(
    {"rid": st.integers(-3, 4)},
    optional={
        "type": st.sampled_from(["terminate", "error", ""]),
        "pause": NUMBERS,
        "to": st.just("montague.lit"),
        "stream": st.integers(0, 3),
        "ack": st.integers(-3, 3),
        "key": st.just("0" * 40),
        "newkey": st.sampled_from(["0" * 40, "x"]),
        "xmpp:restart": st.sampled_from(["true", "false"]),
        "content": st.sampled_from(["<message/>", "text", "<a><b/></a>", "\ufffe", "<a/><b/>"]),
    },
)
CREATION = st.fixed_dictionaries(
    {"polling": st.integers(0, 5)},
    optional={
        "wait": NUMBERS,
        "hold": NUMBERS,
        "ack": st.just("1"),
        "ver": st.sampled_from(["1.6", None]),
        "newkey": st.just("0" * 40),
    },
)
TOLD = st.sampled_from(
    [
        "opened",
        "features",
        "elements",
        "large",
        "failed",
        "closed",
        "lost",
        "refused",
        "asked",
        "pause",
        "resume",
    ]
)
STEP = st.one_of(
    st.tuples(st.just("ask"), REQUEST),
    st.tuples(st.just("again"), st.integers(0, 5)),
    st.tuples(st.just("break"), st.integers(0, 5)),
    st.tuples(st.just("tell"), st.tuples(st.integers(0, 4), TOLD)),
    st.tuples(st.just("pass"), st.sampled_from([0.0, 0.0, 1.0, 6.0, 61.0, 130.0])),
)


class Nonsense:
    """A client and a server who say anything."""

    def __init__(self, creation: dict[str, Any]) -> None:
        polling = creation.pop("polling")
        self.bosh = Bosh(polling=polling, queue_octets=20_000, held_octets=30_000)
        self.client: Asker = self.bosh.client()
        self.exchanges: list[Exchange] = []
        self.over: set[int] = set()
        """Streams that the server has ended."""
        self.exchanges.append(self.client.begin(**creation))
        if self.bosh.streams and self.exchanges[0].is_held:
            self.bosh.streams[0].welcome()
            self.bosh.turn()
        first = self.exchanges[0]
        self.names = []
        if not first.is_held and first.condition is None:
            self.client.sid = first.attrs["sid"]
            self.names = [first.attrs["stream"]]
        self.number = 0

    def ask(self, given: dict[str, Any]) -> None:
        attrs = dict(given)
        rid = self.client.rid + attrs.pop("rid")
        content = attrs.pop("content", "")
        if "stream" in attrs:
            which = attrs["stream"]
            attrs["stream"] = self.names[which] if which < len(self.names) else "x"
        if "ack" in attrs:
            attrs["ack"] += self.client.rid
        if rid == self.client.rid + 1:
            self.client.rid = rid
        asked = self.client.ask(content, rid, **{**attrs, "xmlns:xmpp": "urn:xmpp:xbosh"})
        self.exchanges.append(asked)
        if not asked.is_held and "stream" in asked.attrs and asked.condition is None:
            self.names.append(asked.attrs["stream"])

    def again(self, which: int) -> None:
        if which < len(self.exchanges):
            data = self.exchanges[-1 - which].request.body
            self.exchanges.append(self.client.send(data))

    def break_off(self, which: int) -> None:
        held = [exchange for exchange in self.exchanges if exchange.is_held]
        if which < len(held):
            held[which].break_off()

    def tell(self, which: int, what: str) -> None:
        if which >= len(self.bosh.streams) or which in self.over:
            return
        stream = self.bosh.streams[which]
        client = stream.client
        self.number += 1
        {
            "opened": lambda: client.opened({"id": "x", "from": "capulet.lit"}),
            "features": lambda: client.features(b"<bind xmlns='b'/>"),
            "elements": lambda: client.elements([MESSAGE, MESSAGE]),
            "large": lambda: client.elements([b"<a xmlns='a'>%b</a>" % (b"x" * 9_000)]),
            "failed": lambda: client.failed(b"<conflict xmlns='c'/>"),
            "closed": client.closed,
            "lost": client.lost,
            "refused": lambda: client.refused("conflict", "text"),
            "asked": lambda: client.asked(self.number),
            "pause": client.pause,
            "resume": client.resume,
        }[what]()
        if what in ("closed", "lost", "refused"):
            self.over.add(which)

    def do(self, what: str, how: Any) -> None:
        if what == "ask":
            self.ask(how)
        elif what == "again":
            self.again(how)
        elif what == "break":
            self.break_off(how)
        elif what == "tell":
            self.tell(*how)
        else:
            self.bosh.clock.advance(how)


@settings(max_examples=400, deadline=None)
@given(creation=CREATION, steps=st.lists(STEP, max_size=40))
def test_all_are_answered_and_nothing_stays_behind(
    creation: dict[str, Any], steps: list[tuple[str, Any]]
) -> None:
    with logged("critical") as faults:
        it = Nonsense(creation)
        for what, how in steps:
            it.do(what, how)
        for _ in range(20):
            it.bosh.clock.advance(61)
    assert faults == [] and "bosh.internal" not in it.bosh.reasons
    for exchange in it.exchanges:
        if not exchange.is_gone:
            assert exchange.body.tag
    assert (len(it.bosh.service), it.bosh.service.held) == (0, 0)
    assert not it.bosh.clock.getDelayedCalls()
    for number, stream in enumerate(it.bosh.streams):
        assert number in it.over or stream.is_over
