"""A client of BOSH on a bad network: all is said and heard once, in its order (XEP-0124 §14).

Requests are lost, late, out of order; answers are lost; connections break while an answer is
waited for. The client repeats what has no answer, as §14.3 has it.
"""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.boshing import Bosh, Exchange

HEARD = re.compile(r"<message xmlns='jabber:client' id='(\d+)'/>")
SAID = re.compile(r"<message id='(\d+)'/>")
ACTIONS = (
    "say",
    "poll",
    "arrive",
    "lose",
    "repeat",
    "answer",
    "lose answer",
    "break",
    "tell",
    "turn",
    "wait",
    "pause",
    "resume",
    "ask",
)


class Unlucky:
    """A client, its network, and the server's end of its stream."""

    def __init__(self, *, hold: int, acks: bool) -> None:
        self.bosh = Bosh(polling=0, requests=3)
        self.client = self.bosh.client()
        self.client.log_in(hold=hold, **({"ack": 1} if acks else {}))
        self.acks = acks
        self.most = hold + 1
        self.stream = self.client.stream
        self.unanswered: dict[int, bytes] = {}
        self.under_way: list[tuple[int, bytes]] = []
        self.exchanges: list[tuple[int, Exchange]] = []
        self.answers: dict[int, str] = {}
        """Those that have come, and wait for one before them."""
        self.next = self.client.rid + 1
        """The id whose answer is to be read next."""
        self.said = self.told = self.asked = 0
        self.heard: list[int] = []
        self.questions: dict[int, int] = {}
        self.paused = False

    # what the client does

    def request(self, content: str) -> None:
        attrs = {}
        if self.acks and self.unanswered:
            attrs["ack"] = self.next - 1
        data = self.client.data(content, **attrs)
        self.unanswered[self.client.rid] = data
        self.under_way.append((self.client.rid, data))

    def say(self) -> None:
        if len(self.unanswered) < self.most:
            self.request(f"<message id='{self.said}'/>")
            self.said += 1

    def poll(self) -> None:
        if not self.unanswered:
            self.request("")

    def repeat(self, which: int) -> None:
        if self.unanswered:
            rid = sorted(self.unanswered)[which % len(self.unanswered)]
            self.under_way.append((rid, self.unanswered[rid]))

    def read(self, rid: int, text: str) -> None:
        if "type='error'" in text:
            return
        assert "terminate" not in text, self.bosh.reasons
        if self.unanswered.pop(rid, None) is None:
            return
        self.under_way = [each for each in self.under_way if each[0] != rid]
        self.answers[rid] = text
        while self.next in self.answers:
            self.heard += map(int, HEARD.findall(self.answers.pop(self.next)))
            self.next += 1

    # what the network does

    def arrive(self, which: int) -> None:
        if self.under_way:
            rid, data = self.under_way.pop(which % len(self.under_way))
            self.exchanges.append((rid, self.client.send(data)))

    def lose(self, which: int) -> None:
        if self.under_way:
            self.under_way.pop(which % len(self.under_way))

    def answer(self, which: int) -> None:
        ready = [each for each in self.exchanges if not each[1].is_held]
        if ready:
            each = ready[which % len(ready)]
            self.exchanges.remove(each)
            self.read(each[0], each[1].text)

    def lose_answer(self, which: int) -> None:
        ready = [each for each in self.exchanges if not each[1].is_held]
        if ready:
            self.exchanges.remove(ready[which % len(ready)])

    def break_off(self, which: int) -> None:
        held = [each for each in self.exchanges if each[1].is_held]
        if held:
            each = held[which % len(held)]
            self.exchanges.remove(each)
            each[1].break_off()

    # what the server does

    def tell(self) -> None:
        self.stream.client.elements([b"<message xmlns='jabber:client' id='%d'/>" % self.told])
        self.told += 1

    def pause(self) -> None:
        if not self.paused:
            self.paused = True
            self.stream.client.pause()

    def resume(self) -> None:
        if self.paused:
            self.paused = False
            self.stream.client.resume()

    def ask(self) -> None:
        self.asked += 1
        self.questions[self.asked] = self.told
        self.stream.client.asked(self.asked)

    # all of them

    def do(self, action: str, which: int) -> None:
        {
            "say": self.say,
            "poll": self.poll,
            "arrive": lambda: self.arrive(which),
            "lose": lambda: self.lose(which),
            "repeat": lambda: self.repeat(which),
            "answer": lambda: self.answer(which),
            "lose answer": lambda: self.lose_answer(which),
            "break": lambda: self.break_off(which),
            "tell": self.tell,
            "turn": self.bosh.turn,
            "wait": lambda: self.bosh.clock.advance(which),
            "pause": self.pause,
            "resume": self.resume,
            "ask": self.ask,
        }[action]()

    def taken(self) -> list[int]:
        return [each[1] for each in self.stream.said if each[0] == "taken"]

    def recover(self) -> None:
        """The network is good from now on."""
        self.resume()
        self.bosh.turn()
        for _ in range(12):
            self.poll()
            for rid, data in list(self.unanswered.items()):
                if not any(each == rid and ex.is_held for each, ex in self.exchanges):
                    self.under_way.append((rid, data))
            while self.under_way:
                self.arrive(0)
            self.bosh.turn()
            while any(not exchange.is_held for _, exchange in self.exchanges):
                self.answer(0)


@settings(max_examples=300, deadline=None)
@given(
    hold=st.integers(1, 2),
    acks=st.booleans(),
    actions=st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 5)), max_size=70),
)
def test_all_is_said_and_heard_once_and_in_order_xep0124_14_3(
    hold: int, acks: bool, actions: list[tuple[str, int]]
) -> None:
    it = Unlucky(hold=hold, acks=acks)
    for action, which in actions:
        it.do(action, which)
        assert it.heard == list(range(len(it.heard)))
        if acks and it.taken():
            assert it.questions[max(it.taken())] <= len(it.heard), "nobody has that yet"
    it.recover()
    assert it.bosh.reasons == {}
    assert [int(each) for text in it.stream.texts for each in SAID.findall(text)] == list(
        range(it.said)
    )
    assert it.heard == list(range(it.told))
    if it.asked:
        # Somebody who says something more knows what there was.
        it.request("<presence/>")
        it.arrive(0)
        assert max(it.taken()) == it.asked
