"""What was sent and what was received, counted (XEP-0198 §4)."""

from __future__ import annotations

import pytest

from xmppd.stream.acks import LOOKED_OVER, WRAP, Inbox, Outbox, TooHighError
from xmppd.wire.claim import Claim


def stanza(id_: int = 0) -> bytes:
    return b"<presence id='%d'/>" % id_


def outbox(count: int, acknowledged: int = 0) -> Outbox:
    """One that holds `count` stanzas, behind so many that are acknowledged."""
    box = Outbox()
    box.acknowledged = acknowledged  # no test counts to four thousand million
    for number in range(count):
        box.date(float(number))
        assert box.add(stanza(number), Claim()) == number + 1
    return box


OCTETS = len(stanza())


def ids(box: Outbox) -> list[str]:
    return [sent.stanza.id for sent in box]


# ---------------------------------------------------------------- sent


def test_what_is_sent_waits_in_order() -> None:
    box = outbox(3)
    assert (len(box), ids(box), box.octets) == (3, ["0", "1", "2"], 3 * OCTETS)
    assert [sent.at for sent in box] == [0.0, 1.0, 2.0]


def test_what_is_sent_is_dated_until_there_is_another_date() -> None:
    box = Outbox()
    for at, count in ((1.0, 2), (2.0, 0), (3.0, 3)):
        box.date(at)
        for _ in range(count):
            box.add(stanza(), None)
    assert [sent.at for sent in box] == [1.0, 1.0, 3.0, 3.0, 3.0]
    box.acknowledge(1)
    assert [sent.at for sent in box] == [1.0, 3.0, 3.0, 3.0]
    box.acknowledge(4)
    assert [sent.at for sent in box] == [3.0]
    box.date(4.0, last=1)
    box.add(stanza(), None)
    assert [sent.at for sent in box] == [4.0, 4.0]


def test_what_is_left_when_some_is_withdrawn_keeps_its_date() -> None:
    box = outbox(4)
    box.withdraw(lambda stanza: stanza.id in ("0", "1"))
    assert [sent.at for sent in box] == [2.0, 3.0]
    box.date(9.0)
    box.add(stanza(), None)
    assert [sent.at for sent in box] == [2.0, 3.0, 9.0]
    assert box.since == 2.0


def test_dates_are_forgotten_with_what_was_sent_then() -> None:
    box = Outbox()
    for number in range(1, 101):
        for _ in range(3):
            box.date(float(number))
        box.add(stanza(), None)
        box.acknowledge(number - 1)
    assert [sent.at for sent in box] == [100.0]
    assert len(box._times) == len(box._places) <= 3


def test_an_empty_outbox_is_false() -> None:
    assert not Outbox()
    assert outbox(1)


def test_what_is_acknowledged_waits_no_more_and_gives_its_claims_back() -> None:
    box = outbox(3)
    claims = [sent.claim for sent in box]
    assert box.acknowledge(2) == claims[:2]
    assert (ids(box), box.octets) == (["2"], OCTETS)
    assert box.acknowledge(2) == []
    assert box.acknowledge(3) == claims[2:]
    assert (len(box), box.octets) == (0, 0)


def test_the_claims_come_back_in_order_and_none_for_what_has_none() -> None:
    box = Outbox()
    claim = Claim()
    for each in (None, claim, None):
        box.add(stanza(), each)
    assert box.acknowledge(3) == [None, claim, None]


def test_4_counters_go_from_the_highest_to_zero() -> None:
    box = outbox(4, acknowledged=WRAP - 2)
    box.acknowledge(WRAP - 1)
    assert ids(box) == ["1", "2", "3"]
    box.acknowledge(0)
    assert ids(box) == ["2", "3"]
    box.acknowledge(2)
    assert ids(box) == []
    box.add(stanza(9), None)
    box.acknowledge(3)
    assert ids(box) == []


@pytest.mark.parametrize(
    ("acknowledged", "count", "h", "sent"),
    [
        (0, 0, 1, 0),
        (0, 2, 3, 2),
        (5, 2, 8, 7),
        (5, 2, 4, 7),  # less than before
        (WRAP - 1, 2, 2, 1),
        (WRAP - 1, 0, 0, WRAP - 1),
        (0, 1, WRAP - 1, 1),
    ],
)
def test_6_more_than_was_sent_changes_nothing(
    acknowledged: int, count: int, h: int, sent: int
) -> None:
    box = outbox(count, acknowledged)
    for way in (box.check, box.acknowledge):
        with pytest.raises(TooHighError) as caught:
            way(h)
        assert (caught.value.h, caught.value.sent) == (h, sent)
    assert (len(box), box.octets) == (count, OCTETS * count)
    box.acknowledge(sent)
    assert not box


def test_what_can_be_acknowledged_passes_the_check_and_still_waits() -> None:
    box = outbox(2)
    for h in (0, 1, 2):
        box.check(h)
    assert len(box) == 2


def test_other_claims_may_be_held_for_the_same_stanzas() -> None:
    box = outbox(2)
    others = [Claim(), None]
    box.replace([*others])
    assert [sent.claim for sent in box] == others
    last = Claim()
    box.replace([last])
    assert [sent.claim for sent in box] == [others[0], last]
    assert [sent.claim for sent in box.last(1)] == [last]
    with pytest.raises(ValueError, match="more claims"):
        box.replace([None] * 3)


def test_what_is_withdrawn_was_never_sent_as_the_peer_counts() -> None:
    box = outbox(4)
    withdrawn = box.withdraw(lambda stanza: stanza.id in ("1", "3"))
    assert [sent.stanza.id for sent in withdrawn] == ["1", "3"]
    assert (ids(box), box.octets) == (["0", "2"], 2 * OCTETS)
    box.acknowledge(2)
    assert not box
    assert outbox(2).withdraw(lambda stanza: False) == []


def test_what_is_given_up_waits_no_more() -> None:
    box = outbox(3)
    assert [sent.stanza.id for sent in box.clear()] == ["0", "1", "2"]
    assert (len(box), box.octets) == (0, 0)


# ---------------------------------------------------------------- received


def received(*held: bool) -> tuple[Inbox, list[Claim]]:
    """An inbox of so many stanzas, and the claims of those that somebody holds."""
    box, claims = Inbox(), []
    for each in held:
        if each:
            claims.append(Claim())
        box.take(claims[-1] if each else None)
    return box, claims


def test_what_nobody_holds_is_handled() -> None:
    box, _ = received(False, False)
    assert (box.received, box.handled, box.held) == (2, 2, [])


def test_4_a_stanza_that_is_held_keeps_those_behind_it() -> None:
    box, (second, fourth) = received(False, True, False, True, False)
    assert (box.handled, box.held) == (1, [second, fourth])
    fourth.let_go()
    assert (box.handled, box.held) == (1, [second])
    second.let_go()
    assert (box.handled, box.held) == (5, [])


def test_one_after_the_other_is_handled() -> None:
    box, claims = received(True, True, True)
    for number, claim in enumerate(claims):
        assert box.handled == number
        claim.let_go()
    assert box.handled == 3


def test_nobody_waits_for_what_is_excused() -> None:
    box, (claim,) = received(True, False)
    claim.excuse()
    assert (box.handled, box.held) == (2, [])


def test_claims_are_not_heaped_up_for_who_never_asks() -> None:
    box = Inbox()
    for _ in range(1_000):
        claim = Claim()
        box.take(claim)
        claim.let_go()
    assert len(box._claims) <= LOOKED_OVER
    assert (box.received, box.handled) == (1_000, 1_000)


def test_who_waits_is_told_of_the_last_that_is_held() -> None:
    box, (first, last) = received(True, False, True)
    told: list[int] = []
    box.when_handled(lambda: told.append(box.handled))
    first.let_go()
    assert told == []
    last.let_go()
    assert told == [3]


def test_a_closed_inbox_keeps_no_claim_that_is_settled() -> None:
    box, claims = received(True, False, True, True)
    box.close()
    for claim in (claims[2], claims[0], claims[1]):
        claim.let_go()
    assert (box._claims, box.received) == ([], 4)


def test_who_waits_for_nothing_is_not_told() -> None:
    box, _ = received(False)
    box.when_handled(pytest.fail)
    box, (claim,) = received(True)
    claim.let_go()
    box.when_handled(pytest.fail)
