from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import error
from twisted.internet.defer import Deferred
from twisted.names import dns
from twisted.python.failure import Failure

from tests.support.deferred import result
from tests.support.finding import Datagrams, Network
from xmppd.config import S2S
from xmppd.net.nameservers import A_TURN, LONGEST, NameServers, Server, Unanswered, servers_in

ONE, TWO = ("192.0.2.1", 53), ("192.0.2.2", 5353)


class Asking:
    """A question of the kind A to two name servers."""

    def __init__(self, *resolver: str) -> None:
        self.network = Network()
        settings = S2S(resolver=resolver or ("192.0.2.1", "192.0.2.2:5353"))
        servers = NameServers(self.network, lambda: settings)
        self.answered: Deferred[Any] = Deferred.fromCoroutine(servers.ask("a.example", dns.A))

    @property
    def port(self) -> Datagrams:
        return self.network.ports[-1]

    @property
    def sent_to(self) -> list[Any]:
        return [tuple(port.sent[0][1]) for port in self.network.ports]

    def reply(self, address: str = "192.0.2.7", **fields: Any) -> dns.Message:
        message = dns.Message(**{"id": self.port.question.id, "answer": 1, **fields})
        message.queries = [dns.Query(b"A.example", dns.A, dns.IN)]
        payload = dns.Record_A(address)
        message.answers = [dns.RRHeader(b"a.example", dns.A, dns.IN, 60, payload)]
        return message

    @property
    def addresses(self) -> list[str]:
        return [each.payload.dottedQuad() for each in result(self.answered).answers]

    @property
    def problem(self) -> str:
        with pytest.raises(Unanswered) as raised:
            result(self.answered)
        return str(raised.value)


def test_a_question_goes_out_with_a_random_id_from_a_port_of_its_own_and_wants_recursion() -> None:
    asking = [Asking() for _ in range(8)]
    assert {each.network.bound[0] for each in asking} == {(0, "")}
    assert len({each.port.question.id for each in asking}) > 1
    question = asking[0].port.question
    assert question.recDes
    assert question.queries == [dns.Query(b"a.example", dns.A, dns.IN)]
    asking[0].port.answer(asking[0].reply())
    assert asking[0].addresses == ["192.0.2.7"]
    assert asking[0].port.closed


def test_a_server_that_is_silent_makes_room_for_the_next_in_rounds() -> None:
    asking = Asking()
    for seconds in (2, 2, 3, 3):
        asking.network.advance(seconds)
    assert asking.sent_to == [ONE, TWO, ONE, TWO, ONE]
    assert [port.closed for port in asking.network.ports] == [True] * 4 + [False]
    asking.port.answer(asking.reply())
    assert asking.addresses == ["192.0.2.7"]


def test_at_last_all_are_silent() -> None:
    asking = Asking("192.0.2.1")
    for seconds in (2, 3, 5, 10, 20, 40):
        assert not asking.answered.called
        asking.network.advance(seconds)
    assert asking.problem == "192.0.2.1:53 is silent"


def test_a_server_that_fails_is_left_alone() -> None:
    asking = Asking()
    asking.port.answer(asking.reply(rCode=dns.ESERVER))
    asking.network.advance(2)
    assert asking.sent_to == [ONE, TWO, TWO]
    asking.port.answer(asking.reply(rCode=dns.EREFUSED))
    assert asking.problem == "192.0.2.2:5353 refuses to answer (REFUSED)"


def test_that_there_is_no_such_name_is_an_answer() -> None:
    asking = Asking()
    asking.port.answer(asking.reply(rCode=dns.ENAME))
    assert result(asking.answered).rCode == dns.ENAME


def test_what_does_not_answer_the_question_is_not_taken_for_the_answer() -> None:
    asking = Asking()
    asking.port.answer(asking.reply(id=asking.port.question.id ^ 1))
    asking.port.answer(asking.reply(), ("192.0.2.66", 53))
    asking.port.answer(asking.reply(), ("192.0.2.1", 5300))
    assert not asking.answered.called and not asking.port.closed
    another = asking.reply()
    another.queries = [dns.Query(b"b.example", dns.A, dns.IN)]
    asking.port.answer(another)
    assert asking.sent_to == [ONE, TWO]
    asking.port.answer(asking.reply(answer=0))
    assert asking.problem == "192.0.2.2:5353 answers another question"


def test_a_crowd_of_questions_goes_out_over_several_turns() -> None:
    network = Network()
    servers = NameServers(network, lambda: S2S(resolver=("192.0.2.1",)))
    for n in range(3 * A_TURN):
        Deferred.fromCoroutine(servers.ask(f"{n}.example", dns.A))
    assert len(network.ports) == A_TURN
    network.advance(0)  # this clock takes all turns at once
    assert len(network.ports) == 3 * A_TURN


def test_what_can_not_be_sent_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise error.CannotListenError("", 0, OSError(24, "Too many open files"))

    monkeypatch.setattr(Network, "listenUDP", full)
    assert "Too many open files" in Asking().problem


def truncated() -> Asking:
    asking = Asking("192.0.2.1")
    asking.port.answer(asking.reply(trunc=1))
    assert [(each.host, each.port) for each in asking.network.connections] == [ONE]
    return asking


def by_tcp(asking: Asking, transport: Any, **fields: Any) -> None:
    question = dns.Message()
    question.fromStr(transport.value()[2:])
    octets = asking.reply("192.0.2.8", id=question.id, maxSize=0, **fields).toStr()
    transport.protocol.dataReceived(len(octets).to_bytes(2, "big") + octets)


def connected(asking: Asking) -> Any:
    connecting = asking.network.connections[-1]
    transport = connecting.take()
    transport.protocol = connecting.built
    return transport


def test_an_answer_that_does_not_fit_is_asked_for_by_tcp() -> None:
    asking = truncated()
    transport = connected(asking)
    by_tcp(asking, transport)
    assert asking.addresses == ["192.0.2.8"]
    assert transport.aborting


def test_an_answer_by_tcp_that_is_truncated_all_the_same_ends_it() -> None:
    asking = truncated()
    by_tcp(asking, connected(asking), trunc=1)
    assert asking.problem == "192.0.2.1:53 answers another question"
    assert len(asking.network.connections) == 1


def test_an_answer_by_tcp_that_is_far_too_long_is_not_received() -> None:
    asking = truncated()
    transport = connected(asking)
    transport.protocol.dataReceived(LONGEST.to_bytes(2, "big") + bytes(LONGEST - 2))
    assert not transport.aborting
    transport.protocol.dataReceived(bytes(1))
    assert transport.aborting
    transport.protocol.connectionLost(Failure(error.ConnectionAborted()))
    assert asking.problem == "192.0.2.1:53 has closed the connection"


def test_a_server_that_closes_or_refuses_the_connection_has_failed() -> None:
    asking = truncated()
    connected(asking).protocol.connectionLost(Failure(error.ConnectionDone()))
    assert asking.problem == "192.0.2.1:53 has closed the connection"
    asking = truncated()
    asking.network.connections[0].refuse()
    assert asking.problem.startswith("192.0.2.1:53 can't be asked: Connection was refused")


def test_whoever_gives_up_leaves_nothing_open() -> None:
    asking = Asking()
    asking.answered.addErrback(lambda _: None)
    asking.answered.cancel()
    assert asking.port.closed
    asking = truncated()
    transport = connected(asking)
    asking.answered.addErrback(lambda _: None)
    asking.answered.cancel()
    assert transport.aborting


def test_a_name_server_may_be_one_of_ipv6() -> None:
    asking = Asking("[2001:DB8:0::1]:53")
    assert asking.network.bound[0][1] == "::"
    asking.port.answer(asking.reply(), ("2001:db8::1", 53))
    assert asking.addresses == ["192.0.2.7"]


def test_the_configured_name_servers_and_no_others() -> None:
    settings = S2S(resolver=("192.0.2.1", "192.0.2.2:5353", "[2001:db8::1]:53", "2001:db8::2"))
    assert [str(each) for each in NameServers(Network(), lambda: settings).servers()] == [
        "192.0.2.1:53",
        "192.0.2.2:5353",
        "[2001:db8::1]:53",
        "[2001:db8::2]:53",
    ]


def test_the_hosts_name_servers_are_read_again_when_they_change(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    servers = NameServers(Network(), S2S, file)
    assert servers.servers() == [Server("127.0.0.1")]
    file.write_text("nameserver 192.0.2.1\n")
    assert servers.servers() == [Server("192.0.2.1")]
    before = file.stat().st_mtime_ns
    file.write_text("nameserver 192.0.2.2\n")
    os.utime(file, ns=(before, before + 1))
    assert servers.servers() == [Server("192.0.2.2")]
    file.unlink()
    assert servers.servers() == [Server("127.0.0.1")]


def test_what_a_resolv_conf_says() -> None:
    text = """# nameserver 192.0.2.66
search example.org
nameserver
nameserver nobody
nameserver\t192.0.2.1 trailing
nameserver 2001:db8::1
nameserver 192.0.2.3
nameserver 192.0.2.4
"""
    assert [each.host for each in servers_in(text)] == ["192.0.2.1", "2001:db8::1", "192.0.2.3"]
    assert servers_in("nameserver fe80::1%eth0") == [Server("fe80::1%eth0")]
