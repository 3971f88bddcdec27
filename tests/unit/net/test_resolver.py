from __future__ import annotations

import pytest
from twisted.names import dns

from tests.support.deferred import result
from tests.support.finding import Found
from xmppd.net import resolver
from xmppd.net.dns_answers import ALIASES
from xmppd.net.resolver import Answer, Key, Known

A = "A a.example"


def holds(found: Found, seconds: float, name: str = "a.example") -> bool:
    """Whether an answer is remembered just short of so long, and not for longer."""
    result(found.resolver.ask("A", name))
    asked = len(found.zones.asked)
    found.network.advance(seconds - 0.01)
    assert result(found.resolver.ask("A", name)).cached
    assert len(found.zones.asked) == asked
    found.network.advance(0.02)
    return not result(found.resolver.ask("A", name)).cached


@pytest.mark.parametrize(("ttl", "seconds"), [(60, 60), (0, 5), (100_000, 3600), (2**32 - 1, 3600)])
def test_records_are_remembered_for_their_ttl_within_bounds(ttl: int, seconds: int) -> None:
    found = Found({"a.example": ["A 192.0.2.1"]})
    found.zones.names.ttl = ttl
    assert holds(found, seconds)


@pytest.mark.parametrize(("minimum", "seconds"), [(40, 40), (0, 5), (86_400, 300)])
def test_that_there_is_none_is_remembered_as_the_soa_says_rfc2308_5(
    minimum: int, seconds: int
) -> None:
    found = Found({"x.a.example": ["A 192.0.2.1"]})
    found.zones.names.minimum = minimum
    assert holds(found, seconds)
    assert holds(found, seconds, "no-such.example")


def test_a_failure_is_remembered_for_a_few_seconds() -> None:
    found = Found()
    found.zones.broken.add("a.example")
    assert holds(found, 5)
    answer = result(found.resolver.ask("A", "a.example"))
    assert answer.outcome == "failed"
    assert answer.said == "192.0.2.53:53 says that it failed (SERVFAIL)"


def test_whoever_asks_is_told_what_there_is_and_why_there_is_nothing() -> None:
    found = Found({"a.example": ["A 192.0.2.1", "AAAA 2001:db8::1"]})
    ask = found.resolver.ask
    assert result(ask("A", "a.example")) == Answer("found", addresses=("192.0.2.1",))
    assert result(ask("AAAA", "A.Example")) == Answer("found", addresses=("2001:db8::1",))
    assert result(ask("SRV", "a.example")) == Answer("none", said="there is no such record")
    assert result(ask("A", "b.example")) == Answer("no-name", said="there is no such name")


def test_one_question_for_all_who_ask_at_the_same_time() -> None:
    found = Found({"a.example": ["A 192.0.2.1"]})
    found.zones.silent.add("a.example")
    waiting = [found.resolver.ask("A", "a.example") for _ in range(3)]
    waiting[0].addErrback(lambda _: None)
    waiting[0].cancel()
    assert found.zones.asked == [A]
    found.zones.answer(A)
    assert {result(each).addresses for each in waiting[1:]} == {("192.0.2.1",)}
    assert found.zones.asked == [A]


def test_a_silent_name_server_keeps_nobody_for_longer_than_dns_seconds() -> None:
    found = Found(dns_seconds=4)
    found.zones.silent.add("a.example")
    waiting = found.resolver.ask("A", "a.example")
    found.network.advance(3.9)
    assert not waiting.called
    found.network.advance(0.2)
    assert result(waiting) == Answer(
        "failed", said="timed out after 4 s: no answer of this host's name servers"
    )
    assert found.zones.open[A].called, "the question was not given up"


def test_an_alias_that_the_answer_leaves_open_is_asked_for() -> None:
    found = Found({"b.example": ["A 192.0.2.1"]})
    found.zones.silent.add("a.example")
    waiting = found.resolver.ask("A", "a.example")
    open_ended = found.zones.reply("A b.example")
    open_ended.answers = [
        dns.RRHeader(b"a.example", dns.CNAME, dns.IN, 7, dns.Record_CNAME(b"b.example"))
    ]
    found.zones.open[A].callback(open_ended)
    assert result(waiting).addresses == ("192.0.2.1",)
    assert found.zones.asked == [A, "A b.example"]
    found.network.advance(7)
    assert not result(found.resolver.ask("A", "b.example")).cached
    assert found.resolver.known("A", "a.example") is None


def test_aliases_without_end_are_given_up() -> None:
    found = Found()

    def ask(name: str, kind: int) -> dns.Message:
        message = dns.Message(answer=1)
        target = dns.Record_CNAME(b"x" + name.encode())
        message.answers = [dns.RRHeader(name.encode(), dns.CNAME, dns.IN, 60, target)]
        found.zones.asked.append(name)
        return message

    async def asking(name: str, kind: int) -> dns.Message:
        return ask(name, kind)

    found.zones.ask = asking  # type: ignore[method-assign, assignment]
    assert result(found.resolver.ask("A", "a.example")).outcome == "none"
    assert len(found.zones.asked) == ALIASES


def test_a_name_that_can_not_be_is_not_asked_for() -> None:
    found = Found()
    assert result(found.resolver.ask("A", f"{'a' * 60}." * 5 + "example")).outcome == "no-name"
    assert found.zones.asked == []


def test_a_bug_is_told_to_all_and_asked_anew() -> None:
    found = Found({"a.example": ["A 192.0.2.1"]})
    found.zones.silent.add("a.example")
    waiting = [found.resolver.ask("A", "a.example") for _ in range(2)]
    found.zones.open[A].errback(ZeroDivisionError())
    for each in waiting:
        with pytest.raises(ZeroDivisionError):
            result(each)
    found.zones.silent.clear()
    assert result(found.resolver.ask("A", "a.example")).addresses


def test_what_was_forgotten_is_asked_anew() -> None:
    found = Found({"a.example": ["A 192.0.2.1"]})
    result(found.resolver.ask("A", "a.example"))
    found.resolver.forget("A.example")
    result(found.resolver.ask("A", "a.example"))
    assert found.zones.asked == [A, A]


def test_the_hosts_own_file_counts_where_no_resolver_is_configured(tmp_path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("192.0.2.1 a.example # a friend\n2001:db8::1 b.example a.example\n")
    found = Found(hosts=hosts)
    assert found.resolver.listed("a.example") == ("192.0.2.1", "2001:db8::1")
    assert found.resolver.listed("c.example") == ()
    found.settings = Found(resolver=("192.0.2.53",)).settings
    assert found.resolver.listed("a.example") == ()
    assert Found().resolver.listed("a.example") == ()


def test_what_is_remembered_is_bounded_by_records_and_the_oldest_go() -> None:
    known = Known(lambda: 0.0, room=10)
    three = Answer("found", addresses=("192.0.2.1", "192.0.2.2", "192.0.2.3"))
    keys = [Key("A", f"{n}.example") for n in range(5)]
    for key in keys[:3]:
        known.put(key, three, 60)
    assert [known.get(key) is not None for key in keys[:3]] == [False, True, True]
    known.put(keys[1], three, 60)  # it is the newest now
    known.put(keys[3], Answer("none"), 60)
    known.put(keys[4], Answer("none"), 60)
    assert [known.get(key) is not None for key in keys] == [False, True, True, True, True]
    known.put(keys[0], Answer("none"), 60)
    assert known.get(keys[2]) is None
    assert resolver.ROOM <= 20_000
