"""Several domain pairs on one stream (XEP-0220 §2.6), and both ways on it (XEP-0288)."""

from __future__ import annotations

import pytest

from tests.support.server import condition
from tests.support.server_streams import (
    CAPULET,
    HALLS,
    MONTAGUE,
    ROOMS,
    VERONA,
    Ends,
    admitted,
    key,
    message,
    policy,
)
from xmppd.stream.dialback import Outcome
from xmppd.stream.server_events import Admitted, Denied, Granted, KeyGiven


def talking(**changes: object) -> Ends:
    """Two servers that have come to terms by EXTERNAL."""
    return Ends(**changes).open().authenticate()  # type: ignore[arg-type]


def ask(ends: Ends, local: str, remote: str) -> Ends:
    return ends.act(ends.ours, ends.outgoing.request(local, remote))


def judged(ends: Ends, said: Outcome) -> Ends:
    """What the domain of the last key has said."""
    given = ends.its.of(KeyGiven)[-1]
    return ends.act(ends.its, ends.incoming.judge(given.remote, given.local, said))


def test_another_sender_by_its_certificate_xep0220_2_6_1() -> None:
    ends = ask(talking(shows={CAPULET, ROOMS}), ROOMS, MONTAGUE)
    assert ends.its.of(Admitted)[-1] == Admitted(ROOMS, MONTAGUE, "certificate")
    assert ends.ours.of(Granted)[-1] == Granted(ROOMS, MONTAGUE)


def test_another_sender_by_a_key_xep0220_2_6_1() -> None:
    require = {CAPULET: "certificate", ROOMS: "dialback"}
    ends = ask(talking(its=policy(MONTAGUE, require=require)), ROOMS, MONTAGUE)
    assert ends.incoming.peers == {CAPULET}
    judged(ends, "valid")
    assert ends.its.of(Admitted)[-1] == Admitted(ROOMS, MONTAGUE, "dialback")
    assert ends.outgoing.grants == {(CAPULET, MONTAGUE), (ROOMS, MONTAGUE)}


@pytest.mark.parametrize(("said", "told"), [("invalid", "forbidden"), ("error", "not-acceptable")])
def test_a_sender_that_is_not_taken_leaves_the_others_xep0220_2_5(said: Outcome, told: str) -> None:
    require = {CAPULET: "certificate", ROOMS: "dialback"}
    ends = judged(ask(talking(its=policy(MONTAGUE, require=require)), ROOMS, MONTAGUE), said)
    assert ends.ours.of(Denied) == [Denied(ROOMS, MONTAGUE, told)]
    assert ends.outgoing.grants == {(CAPULET, MONTAGUE)}
    ends.send(ends.ours, message(f"juliet@{CAPULET}", f"romeo@{MONTAGUE}"))
    assert ends.its.stanzas


def test_another_target_xep0220_2_6_2() -> None:
    ends = ask(talking(), CAPULET, HALLS)
    assert ends.outgoing.grants == {(CAPULET, MONTAGUE), (CAPULET, HALLS)}
    assert ends.incoming.peers == {CAPULET}


def test_a_target_that_is_not_there_xep0220_2_5() -> None:
    ends = ask(talking(), CAPULET, VERONA)
    assert ends.ours.of(Denied) == [Denied(CAPULET, VERONA, "item-not-found")]
    assert ends.outgoing.grants == {(CAPULET, MONTAGUE)}


def test_what_is_granted_is_not_asked_for_again() -> None:
    ends = talking()
    ends.ours.take()
    ask(ends, CAPULET, MONTAGUE)
    assert ends.ours.take() == b""
    assert ends.ours.of(Granted)[-1] == Granted(CAPULET, MONTAGUE)


def test_what_is_asked_for_is_asked_for_once() -> None:
    ends = talking(its=policy(MONTAGUE, require={ROOMS: "dialback"}))
    ends.ours.take()
    ask(ask(ends, ROOMS, MONTAGUE), ROOMS, MONTAGUE)
    assert ends.ours.take().count(b"<db:result") == 1


def test_the_stream_has_a_bound_of_domains_xep0220_2_5() -> None:
    scripted = admitted(require="dialback", most_pairs=2).send(key(HALLS))
    scripted.act(scripted.stream.judge(HALLS, CAPULET, "valid"))
    scripted.take()
    assert condition(scripted.send(key(VERONA)).one()) == "resource-constraint"
    assert scripted.stream.peers == {MONTAGUE, HALLS}


def test_the_receiving_server_may_add_its_other_domains_xep0288_2_2() -> None:
    ends = talking(ours=policy(require={HALLS: "dialback"}))
    ends.act(ends.its, ends.incoming.request(HALLS, CAPULET))
    assert ends.ours.of(KeyGiven)[-1][:2] == (HALLS, CAPULET)
    ends.act(ends.ours, ends.outgoing.judge(HALLS, CAPULET, "valid"))
    assert ends.its.of(Granted)[-1] == Granted(HALLS, CAPULET)
    assert ends.outgoing.peers == {MONTAGUE, HALLS}
    assert (CAPULET, HALLS) in ends.outgoing.grants, "and we may send to it"


def test_each_pair_serves_both_ways_xep0288_2_2() -> None:
    ends = ask(talking(shows={CAPULET, ROOMS}), ROOMS, MONTAGUE)
    assert ends.its.of(Granted) == [Granted(MONTAGUE, CAPULET), Granted(MONTAGUE, ROOMS)]


def test_without_bidi_neither_is_the_other_s() -> None:
    ends = ask(talking(ours=policy(bidirectional=False), shows={CAPULET, ROOMS}), ROOMS, MONTAGUE)
    assert not ends.its.of(Granted)
    assert not ends.outgoing.peers
