"""Components that say what they must not, on real sockets: they lose their stream, and nobody else
anything; the log and `xmppctl why` tell the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

import pytest

from tests.e2e.test_hostile import XML
from tests.e2e.verona import VERONA, Server, running
from tests.support.peers import Ended, Peer
from tests.support.raw_components import RawComponent, lines_with, port, tables, why
from tests.support.server import PASSWORD, condition
from xmppd import ns

STRANGERS = 20
"""How many connections that have not proved themselves this server bears."""
ECHO, FRIAR, STRICT = (f"{name}.{VERONA}" for name in ("echo", "friar", "strict"))
ROMEO = f"romeo@{VERONA}"
POTION = "urn:example:potion"
ASKS = f"<potion xmlns='{POTION}'/>"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    limits = {"negotiation_seconds": 3, "unauthenticated": STRANGERS, "stanza_bytes": 65_536}
    components = tables(
        echo={}, friar={"delegation": {POTION: []}}, strict={"conflict": "refuse"}, mask={}
    )
    where = tmp_path_factory.mktemp("bad")
    with running(where, {"limits": limits, **components}) as server:
        yield server


@pytest.fixture
def nurse(server: Server) -> Iterator[Peer]:
    """A user who looks on, hears nothing that is not hers, and is served afterwards."""
    with Peer(server.c2s, VERONA) as peer:
        peer.log_in("nurse", PASSWORD, "hall")
        yield peer
        peer.send(f"<iq type='get' id='last'><ping xmlns='{ns.PING}'/></iq>")
        assert peer.element().get("id") == "last"


@pytest.fixture
def mask(server: Server) -> Iterator[RawComponent]:
    """Another component that has nothing to do with it either."""
    with RawComponent(port(server), f"mask.{VERONA}") as peer:
        peer.enter()
        yield peer
        peer.send(f"<iq type='get' id='last' to='{VERONA}'><ping xmlns='{ns.PING}'/></iq>")
        assert peer.element().get("id") == "last"


@pytest.fixture
def log(server: Server) -> int:
    """Where the log of a test begins."""
    return len(server.process.lines)


def told(server: Server, log: int, reason: str, *words: str) -> None:
    """Wait for the log to tell of a reason; it does so once."""
    assert len(lines_with(server, log, f"({reason})", *words)) == 1


# ---------------------------------------------------------------------- who gets in


def test_who_does_not_know_the_secret_stays_outside(
    server: Server, nurse: Peer, mask: RawComponent, log: int
) -> None:
    with RawComponent(port(server), ECHO, secret="wherefore art thou") as echo:
        assert echo.greet().prove().ending() == "not-authorized"
    told(server, log, "component.secret", ECHO, "from 127.")
    assert why(server, ECHO)[-1] == "component.secret"


@pytest.mark.parametrize("domain", [f"paris.{VERONA}", VERONA, "mantua.lit"])
def test_who_serves_no_component_stays_outside(
    server: Server, nurse: Peer, domain: str, log: int
) -> None:
    with RawComponent(port(server), domain) as paris:
        assert paris.send(paris.stream_header()).ending() == "host-unknown"
    told(server, log, "component.unknown", domain)
    assert why(server, domain)[-1] == "component.unknown"


def test_who_takes_for_ever_over_the_handshake_is_sent_away(
    server: Server, nurse: Peer, log: int
) -> None:
    """One says nothing, one stops in its header, one before the handshake, one in it, one drips."""
    crowd = [RawComponent(port(server), ECHO) for _ in range(5)]
    crowd[1].send("<stream:stream xmlns:stream='ht")
    crowd[2].greet()
    crowd[3].greet().send("<handshake>00")
    dripping = crowd.pop().greet()
    dripping.send("<handshake>")
    with pytest.raises(Ended):
        while True:
            dripping.send("0").rest(0.1)
    assert [one.ending() for one in crowd] == ["connection-timeout"] * 4
    assert len(lines_with(server, log, "(stream.timeout)", least=5)) == 5
    assert why(server, ECHO)[-1] == "stream.timeout"
    for one in (*crowd, dripping):
        one.__exit__()


def test_a_crowd_before_the_door_locks_nobody_out(server: Server, nurse: Peer) -> None:
    crowd = [RawComponent(port(server), ECHO) for _ in range(3 * STRANGERS)]
    try:
        with RawComponent(port(server), ECHO) as echo:
            echo.enter().serves()
            for one in crowd[:-STRANGERS]:
                one.hears_nothing_more()
            echo.serves()
        assert why(server, "127.0.0.1")[-1:] != ["component.attempts"]
    finally:
        for one in crowd:
            one.__exit__()


# ---------------------------------------------------------------------- what it says

SAYS = {
    **{name: bad for name, bad in XML.items() if "forged" not in name and "oversize" not in name},
    "more than sixteen times a client's stanza": (
        b"<message to='%b'><body>" % ROMEO.encode() + b"a" * 1_200_000,
        "policy-violation",
    ),
    "a stanza that is never finished": (
        b"<message to='%b'>" % ROMEO.encode() + b"<a/>" * 300_000,
        "policy-violation",
    ),
    "another handshake": (b"<handshake/>", "policy-violation"),
    "the end of another stream": (b"</stream:flow>", "not-well-formed"),
}
"""What a component sends, and the stream errors that will do for it."""


@pytest.mark.parametrize("sent, expected", SAYS.values(), ids=SAYS.keys())
def test_what_is_no_stanza_ends_the_stream(
    server: Server, nurse: Peer, mask: RawComponent, log: int, sent: bytes, expected: str
) -> None:
    with RawComponent(port(server), ECHO) as echo:
        sent = sent.replace(ns.CLIENT.encode(), ns.COMPONENT.encode())
        assert echo.enter().send(sent).ending() in expected.split()
    server.process.wait_for(f"component {ECHO} is gone", log)
    (line,) = lines_with(server, log, f"stream of component {ECHO} ", " ended: ")
    assert f"({why(server, ECHO)[-1]})" in line


FORGED = {
    "another component": f"mask.{VERONA}",
    "an address at another component": f"room@mask.{VERONA}/nick",
    "the user it writes to": f"nurse@{VERONA}/hall",
    "another user": f"{ROMEO}/orchard",
    "the server": VERONA,
    "another server": "rome.lit",
    "a domain that ends like its own": f"x{ECHO}",
    "a domain below its own": f"x.{ECHO}",
    "nobody": "",
    "no address": "@@",
}


@pytest.mark.parametrize("kind", ["message", "presence", "iq"])
@pytest.mark.parametrize("sender", FORGED.values(), ids=FORGED.keys())
def test_nobody_speaks_but_for_its_own_domain(
    server: Server, nurse: Peer, mask: RawComponent, log: int, sender: str, kind: str
) -> None:
    """XEP-0114 §3; the nurse and the other component hear nothing."""
    inner = f"<ping xmlns='{ns.PING}'/>"
    with RawComponent(port(server), ECHO) as echo:
        start = f"<{kind} from='{sender}' id='1'"
        echo.enter()
        echo.send(f"{start} to='{nurse.jid}'>{inner}</{kind}>{start} to='{mask.domain}'/>")
        assert echo.ending() == "invalid-from"
    told(server, log, "component.from", ECHO)
    if kind == "iq":
        assert why(server, ECHO)[-1] == "component.from"


NURSE = f"nurse@{VERONA}/hall"
UNGRANTED = {
    "a message in a user's name": f"<message id='x' to='{VERONA}'>"
    f"<privilege xmlns='{ns.PRIVILEGE}'><forwarded xmlns='{ns.FORWARD}'>"
    f"<message xmlns='{ns.CLIENT}' from='{ROMEO}' to='{NURSE}'>"
    "<body>Hist!</body></message></forwarded></privilege></message>",
    "a request in a user's name": f"<iq type='set' id='x' to='{ROMEO}'>"
    f"<privileged_iq xmlns='{ns.PRIVILEGE}'><iq xmlns='{ns.CLIENT}' type='set' id='1' to='{NURSE}'>"
    f"{ASKS}</iq></privileged_iq></iq>",
    "a user's roster": f"<iq type='get' id='x' to='{ROMEO}'><query xmlns='{ns.ROSTER}'/></iq>",
    "many at once": f"<message id='x' to='{VERONA}'><addresses xmlns='{ns.ADDRESS}'>"
    f"<address type='to' jid='{NURSE}'/></addresses><body>Hist!</body></message>",
}


@pytest.mark.parametrize("sent", UNGRANTED.values(), ids=UNGRANTED.keys())
def test_nobody_does_what_is_not_granted(server: Server, nurse: Peer, sent: str) -> None:
    """XEP-0356 §4.3, §5.1, §6.3, XEP-0033 §9; the nurse hears nothing."""
    with RawComponent(port(server), ECHO) as echo:
        answer = echo.enter().send(sent).element()
        assert (answer.get("id"), condition(answer)) == ("x", "forbidden")
        echo.serves()


def test_a_request_without_addressee_is_answered_and_the_stream_goes_on(
    server: Server, nurse: Peer
) -> None:
    with RawComponent(port(server), ECHO) as echo:
        echo.enter().send("<message id='lost'><body/></message>")
        assert condition(echo.element()) == "bad-request"
        echo.serves()


# ---------------------------------------------------------------------- two for one domain


def test_of_two_that_fight_the_later_one_serves(server: Server, nurse: Peer, log: int) -> None:
    """`conflict = "replace"`: whichever is there gets what comes; nothing is told twice."""
    before = RawComponent(port(server), ECHO).enter()
    for number in range(10):
        after = RawComponent(port(server), ECHO).enter()
        assert before.ending() == "conflict"
        before.__exit__()
        nurse.send(f"<message to='{ECHO}' id='{number}'/>")
        assert after.element().get("id") == str(number)
        before = after
    before.__exit__()
    assert len(lines_with(server, log, "(component.replaced)", ECHO, least=10)) == 10
    assert why(server, ECHO)[-1] == "component.replaced"


def test_of_two_that_fight_the_first_one_stays_where_that_is_wished(
    server: Server, nurse: Peer, log: int
) -> None:
    with RawComponent(port(server), STRICT) as first:
        first.enter()
        for number in range(10):
            with RawComponent(port(server), STRICT) as second:
                assert second.greet().prove().ending() == "conflict"
            nurse.send(f"<message to='{STRICT}' id='{number}'/>")
            assert first.element().get("id") == str(number)
    assert len(lines_with(server, log, "(component.conflict)", STRICT, least=10)) == 10
    assert why(server, STRICT)[-1] == "component.conflict"


def managed(strict: RawComponent, said: str) -> Element:
    """The answer to what it says of stream management behind the handshake."""
    strict.greet("version='1.0'").prove().send(f"<{said} xmlns='{ns.STREAM_MANAGEMENT}'/>")
    while not (answer := strict.element()).tag.startswith(f"{{{ns.STREAM_MANAGEMENT}}}"):
        pass
    return answer


def test_who_was_cut_off_goes_on_where_nobody_else_gets_in(server: Server, nurse: Peer) -> None:
    """XEP-0198 §5: nobody has noticed yet that its connection is dead."""
    first = RawComponent(port(server), STRICT)
    enabled = managed(first, "enable resume='true'")
    with RawComponent(port(server), STRICT) as other:
        other.greet("version='1.0'").prove()
        other.send(f"<resume previd='guess' h='0' xmlns='{ns.STREAM_MANAGEMENT}'/>")
        assert other.ending() == "conflict"
    nurse.send(f"<message to='{STRICT}' id='kept'/>")
    with RawComponent(port(server), STRICT) as again:
        assert managed(again, f"resume previd='{enabled.get('id')}' h='0'").tag.endswith("resumed")
        assert again.element().get("id") == "kept"
        assert first.ending() == "conflict"
    first.__exit__()


# ---------------------------------------------------------------------- requests it is asked


def test_requests_are_answered_when_it_dies(server: Server, nurse: Peer) -> None:
    """By RST, with requests of users and of another component under way."""
    with RawComponent(port(server), f"mask.{VERONA}") as asker:
        asker.enter()
        echo = RawComponent(port(server), ECHO).enter()
        for number in range(50):
            for peer in (nurse, asker):
                peer.send(f"<iq type='get' id='{number}' to='a@{ECHO}'>{ASKS}</iq>")
        for _ in range(100):
            echo.element()
        echo.reset()
        for peer in (nurse, asker):
            answers = [peer.element() for _ in range(50)]
            assert {condition(answer) for answer in answers} == {"service-unavailable"}
            assert sorted(int(answer.attrib["id"]) for answer in answers) == list(range(50))
    assert why(server, ECHO)[-1] == "component.gone"


ENVELOPE = (
    f"<delegation xmlns='{ns.DELEGATION}'><forwarded xmlns='{ns.FORWARD}'>%s</forwarded>"
    "</delegation>"
)
ANSWER = "<iq xmlns='jabber:client' type='{type}' id='{id}' from='{from_}' to='{to}'>{inner}</iq>"
RIGHT = {"type": "result", "from_": ROMEO, "inner": ASKS}
WRONG = {
    "no envelope": "",
    "an empty one": f"<delegation xmlns='{ns.DELEGATION}'/>",
    "a message in it": ENVELOPE % "<message xmlns='jabber:client'/>",
    "two answers in it": ENVELOPE % (ANSWER.format(**RIGHT, id="{id}", to="{to}") * 2),
    "a request in it": ENVELOPE % ANSWER.format(**{**RIGHT, "type": "get"}, id="{id}", to="{to}"),
    "another id": ENVELOPE % ANSWER.format(**RIGHT, id="guess", to="{to}"),
    "in another user's name": ENVELOPE
    % ANSWER.format(**{**RIGHT, "from_": f"juliet@{VERONA}"}, id="{id}", to="{to}"),
    "for another user": ENVELOPE % ANSWER.format(**RIGHT, id="{id}", to=f"tybalt@{VERONA}/street"),
    "another namespace": ENVELOPE.replace(ns.DELEGATION, "urn:example:other")
    % ANSWER.format(**RIGHT, id="{id}", to="{to}"),
}


def asked(friar: RawComponent) -> tuple[str, str]:
    """The id of the next envelope that the friar is sent, and that of the request in it."""
    while (envelope := friar.element()).get("type") != "set":
        pass
    inner = envelope.find(f".//{{{ns.CLIENT}}}iq")
    assert inner is not None
    return envelope.attrib["id"], inner.attrib["id"]


def reply(friar: RawComponent, id_: str, payload: str) -> None:
    friar.send(f"<iq type='result' id='{id_}' to='{VERONA}'>{payload}</iq>")


@pytest.mark.parametrize("payload", WRONG.values(), ids=WRONG.keys())
def test_a_delegated_request_is_not_answered_by_what_is_no_answer(
    server: Server, nurse: Peer, payload: str, log: int
) -> None:
    """XEP-0355 §4.3, and nobody but who has asked hears of it."""
    with RawComponent(port(server), FRIAR) as friar, Peer(server.c2s, VERONA) as tybalt:
        tybalt.log_in("tybalt", PASSWORD, "street")
        friar.enter()
        nurse.send(f"<iq type='get' id='asked' to='{ROMEO}'>{ASKS}</iq>")
        envelope, id_ = asked(friar)
        reply(friar, envelope, payload.replace("{id}", id_).replace("{to}", nurse.jid))
        answer = nurse.element()
        assert (answer.get("id"), condition(answer)) == ("asked", "service-unavailable")
        assert answer.get("from") == ROMEO
        tybalt.send(f"<iq type='get' id='last'><ping xmlns='{ns.PING}'/></iq>")
        assert tybalt.element().get("id") == "last"
        assert why(server, FRIAR)[-1] == "delegation.answer"
    assert len(lines_with(server, log, "has answered a delegated request wrongly", FRIAR)) == 1


def test_a_delegated_request_has_one_answer(server: Server, nurse: Peer) -> None:
    """What comes twice, or answers a request that was not delegated to it, is nobody's."""
    with RawComponent(port(server), FRIAR) as friar:
        friar.enter()
        nurse.send(f"<iq type='get' id='asked' to='{ROMEO}'>{ASKS}</iq>")
        envelope, id_ = asked(friar)
        right = ENVELOPE % ANSWER.format(**RIGHT, id=id_, to=nurse.jid)
        for _ in range(3):
            reply(friar, envelope, right)
        reply(friar, "guess", right)
        friar.serves()
        answer = nurse.element()
        assert (answer.get("type"), answer.get("from"), answer[0].tag) == (
            "result",
            ROMEO,
            f"{{{POTION}}}potion",
        )


def test_a_delegated_request_is_answered_when_its_component_dies(
    server: Server, nurse: Peer
) -> None:
    friar = RawComponent(port(server), FRIAR).enter()
    for number in range(20):
        nurse.send(f"<iq type='get' id='{number}' to='{ROMEO}'>{ASKS}</iq>")
    for _ in range(20):
        asked(friar)
    friar.reset()
    answers = [nurse.element() for _ in range(20)]
    assert {(a.get("from"), condition(a)) for a in answers} == {(ROMEO, "service-unavailable")}
    nurse.send(f"<iq type='get' id='absent' to='{ROMEO}'>{ASKS}</iq>")
    assert condition(nurse.element()) == "service-unavailable"
