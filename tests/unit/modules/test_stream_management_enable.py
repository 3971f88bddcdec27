"""Stream management is asked for (XEP-0198 §2, §3, §6)."""

from __future__ import annotations

import pytest

from tests.support.managed import SM, S, ack, come_back, handled, managed, unbound
from tests.support.server import DOMAIN, Verona, condition
from xmppd import ns

STANZA_ERROR = f"{{{ns.STANZA_ERRORS}}}"
MOST = 300


@pytest.fixture
def server() -> Verona:
    return Verona(stream_management={"hibernate_seconds": MOST})


def test_2_it_is_offered_to_who_has_authenticated(server: Verona) -> None:
    client = server.connect().open()
    assert ns.STREAM_MANAGEMENT.encode() not in client.take()
    client.authenticate("juliet").open()
    assert f"<sm xmlns='{ns.STREAM_MANAGEMENT}'/>".encode() in client.take()


@pytest.mark.parametrize("name", ["enable", "resume"])
def test_3_who_has_not_authenticated_is_refused_and_may_go_on(server: Verona, name: str) -> None:
    _, id_ = managed(server, "juliet", "balcony")
    client = server.connect().open()
    client.take()
    failed = client.send(f"<{name} {SM} previd='{id_}' h='0'/>").one()
    assert (failed.tag, failed.attrib) == (f"{S}failed", {})
    assert [child.tag for child in failed] == [f"{STANZA_ERROR}unexpected-request"]
    client.log_in("juliet", resource="balcony")


def test_3_strangers_may_not_ask_for_ever(server: Verona) -> None:
    client = server.connect().open()
    client.take()
    while not client.closed:
        answer = client.send(f"<enable {SM}/>").elements()[-1]
    assert condition(answer) == "policy-violation"


def test_3_who_has_bound_no_resource_is_refused_and_may_go_on(server: Verona) -> None:
    client = unbound(server, "juliet")
    failed = client.send(f"<enable {SM} resume='true'/>").one()
    assert failed.tag == f"{S}failed"
    assert [child.tag for child in failed] == [f"{STANZA_ERROR}unexpected-request"]
    assert client.bind("balcony").get("type") == "result"
    assert client.send(f"<enable {SM}/>").one().tag == f"{S}enabled"


def test_3_a_second_request_ends_the_stream(server: Verona) -> None:
    juliet, id_ = managed(server, "juliet", "balcony")
    assert condition(juliet.send(f"<enable {SM}/>").one()) == "policy-violation"
    assert juliet.closed
    assert come_back(server, "juliet", id_).one().tag == f"{S}failed"


@pytest.mark.parametrize("attrs", ["", "resume='false'", "resume='0'", "resume='yes'", "max='9'"])
def test_3_who_does_not_ask_for_it_can_not_resume(server: Verona, attrs: str) -> None:
    juliet = server.log_in("juliet", "balcony")
    assert juliet.send(f"<enable {SM} {attrs}/>").one().attrib == {}
    juliet.hang_up()
    assert server.host.directory.get(f"juliet@{DOMAIN}/balcony") is None


@pytest.mark.parametrize("resume", ["true", "1"])
@pytest.mark.parametrize(
    ("wanted", "seconds"),
    [
        ("", MOST),
        ("max='10'", 10),
        (f"max='{MOST + 1}'", MOST),
        ("max='-1'", MOST),
        ("max='ten'", MOST),
        ("max=''", MOST),
        (f"max='{'9' * 5_000}'", MOST),
    ],
)
def test_3_the_shorter_time_of_both_is_agreed_upon(
    server: Verona, resume: str, wanted: str, seconds: int
) -> None:
    juliet = server.log_in("juliet", "balcony")
    enabled = juliet.send(f"<enable {SM} resume='{resume}' {wanted}/>").one()
    assert enabled.get("resume") == "true"
    assert enabled.get("max") == str(seconds)
    juliet.hang_up()
    server.clock.advance(seconds - 1)
    assert server.host.directory.get(f"juliet@{DOMAIN}/balcony") is not None
    server.clock.advance(1)
    assert server.host.directory.get(f"juliet@{DOMAIN}/balcony") is None


def test_3_where_no_session_waits_none_can_be_resumed() -> None:
    server = Verona(stream_management={"hibernate_seconds": 0})
    juliet = server.log_in("juliet", "balcony")
    enabled = juliet.send(f"<enable {SM} resume='true'/>").one()
    assert (enabled.tag, enabled.attrib) == (f"{S}enabled", {})
    juliet.send("<presence/>").hang_up()
    assert server.host.directory.get(f"juliet@{DOMAIN}/balcony") is None


def test_4_both_count_from_here_on(server: Verona) -> None:
    juliet = server.log_in("juliet", "balcony")
    juliet.send("<presence/>").take()
    juliet.send(f"<enable {SM}/>").take()
    assert handled(juliet) == 0
    juliet.send(f"<message to='juliet@{DOMAIN}/balcony'><body>one</body></message>")
    assert handled(juliet) in (0, 1)  # she has not said that she has it
    ack(juliet, 1)
    assert handled(juliet) == 1


def test_5_an_sm_id_can_not_be_guessed(server: Verona) -> None:
    """Nor is one used again."""
    ids = set()
    for _ in range(50):
        client, id_ = managed(server, "juliet", "balcony")
        client.send("</stream:stream>")
        ids.add(id_)
    assert len(ids) == 50
    assert min(map(len, ids)) >= 24  # 18 octets of chance
    assert all(len({id_[at] for id_ in ids}) > 5 for at in range(24))
