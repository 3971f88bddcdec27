from __future__ import annotations

from twisted.names import dns

from xmppd.net import dns_answers
from xmppd.net.dns_answers import Service, host_name, read


def record(name: str, payload, ttl: int = 60, cls: int = dns.IN) -> dns.RRHeader:
    return dns.RRHeader(name.encode(), payload.TYPE, cls, ttl, payload)


def message(*answers: dns.RRHeader, code: int = dns.OK, authority=()) -> dns.Message:
    made = dns.Message(answer=1, rCode=code, maxSize=0)
    made.answers, made.authority = list(answers), list(authority)
    read_again = dns.Message()
    read_again.fromStr(made.toStr())
    return read_again


def address(name: str, value: str, **options: int) -> dns.RRHeader:
    kind = dns.Record_AAAA if ":" in value else dns.Record_A
    return record(name, kind(value), **options)


def alias(name: str, target: str, **options: int) -> dns.RRHeader:
    return record(name, dns.Record_CNAME(target.encode()), **options)


def service(target: bytes, port: int = 5269, priority: int = 0, weight: int = 0) -> dns.RRHeader:
    return record("s.example", dns.Record_SRV(priority, weight, port, target))


def soa(ttl: int, minimum: int) -> dns.RRHeader:
    payload = dns.Record_SOA(b"ns.example", b"h.example", 1, 1, 1, 1, minimum, ttl)
    return record("example", payload, ttl)


def test_records_of_other_names_kinds_and_classes_are_passed_over() -> None:
    said = message(
        address("b.example", "192.0.2.66"),
        address("a.example", "2001:db8::66"),
        address("a.example", "192.0.2.66", cls=dns.CH),
        address("A.Example", "192.0.2.1"),
    )
    assert read(said, "a.example", "A").addresses == ("192.0.2.1",)


def test_aliases_are_followed_and_the_smallest_ttl_counts() -> None:
    said = message(
        address("c.example", "192.0.2.1", ttl=90),
        alias("b.example", "c.example", ttl=20),
        alias("a.example", "b.example", ttl=50),
    )
    found = read(said, "a.example", "A")
    assert (found.addresses, found.ttl) == (("192.0.2.1",), 20)


def test_an_answer_that_ends_at_an_alias_names_what_to_ask_for() -> None:
    found = read(message(alias("a.example", "b.example")), "a.example", "A")
    assert (found.exists, found.alias) == (False, "b.example")


def test_an_alias_of_nothing_is_nothing_where_the_answer_says_so() -> None:
    known = message(alias("a.example", "b.example"), authority=[soa(60, 60)])
    assert read(known, "a.example", "A").alias == ""
    unknown = message(alias("a.example", "b.example"), code=dns.ENAME)
    assert not read(unknown, "a.example", "A").alias
    assert not read(unknown, "a.example", "A").named


def test_aliases_in_a_circle_end() -> None:
    said = message(alias("a.example", "b.example"), alias("b.example", "a.example"))
    assert not read(said, "a.example", "A").exists


def test_there_is_none_for_as_long_as_the_soa_says_rfc2308_5() -> None:
    assert read(message(authority=[soa(100, 40)]), "a.example", "A").ttl == 40
    assert read(message(authority=[soa(20, 40)]), "a.example", "A").ttl == 20
    assert read(message(), "a.example", "A").ttl == dns_answers.NEGATIVE


def test_services_by_priority_without_those_of_no_use() -> None:
    said = message(
        service(b"late.example", priority=9, weight=3),
        service(b"no port.example"),
        service(b"\0.example"),
        service(b"zero.example", port=0),
        service(b"Soon.Example", port=5270),
        service(b"soon.example", port=5270),
    )
    assert read(said, "s.example", "SRV").services == (
        Service(0, 0, 5270, "soon.example"),
        Service(9, 3, 5269, "late.example"),
    )


def test_no_target_is_a_dot_rfc2782() -> None:
    said = read(message(service(b"", port=0)), "s.example", "SRV")
    assert said.services == (Service(0, 0, 0, "."),)
    assert str(said.services[0]) == "."


def test_records_of_no_use_are_records_all_the_same() -> None:
    found = read(message(service(b"a b")), "s.example", "SRV")
    assert found.exists and not found.services


def test_the_number_of_records_is_bounded() -> None:
    many = [service(f"h{n}.example".encode(), priority=50 - n) for n in range(50)]
    services = read(message(*many), "s.example", "SRV").services
    assert [each.priority for each in services] == list(range(1, dns_answers.SERVICES + 1))
    more = [address("a.example", f"192.0.2.{n}") for n in range(50)]
    assert len(read(message(*more), "a.example", "A").addresses) == dns_answers.ADDRESSES


def test_names_that_no_host_has() -> None:
    assert host_name(b"XMPP.example.") == "xmpp.example"
    assert host_name(b"_xmpp-server._tcp.example") == "_xmpp-server._tcp.example"
    for bad in (b"", b".", b"a..b", b"-a", b"a" * 64, b"aa." * 90, b"a\n", b"\xff", b"a/b"):
        assert host_name(bad) == ""
