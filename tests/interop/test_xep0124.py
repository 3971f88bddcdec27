"""XEP-0124 from the outside: requests by HTTP in, what the specification asks for out."""

from __future__ import annotations

import gzip
import hashlib
import time
from base64 import b64encode
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from tests.support.bosh_requests import XMPP, Answer, Asker, ask, bodies, message, ping
from tests.support.server import PASSWORD
from tests.support.web_peers import HTTPBIND, Web
from xmppd import ns

OVER = ("terminate", "item-not-found")
FAST = ("terminate", "policy-violation")
WRONG = ("terminate", "bad-request")
GOOD = (None, None)


@pytest.fixture
def juliet(web: Web) -> Iterator[Asker]:
    asker = Asker(web).log_in("juliet")
    yield asker
    asker.end()


@pytest.fixture
def romeo(web: Web) -> Iterator[Asker]:
    asker = Asker(web).log_in("romeo")
    yield asker
    asker.end()


def over(asker: Asker) -> bool:
    """Whether there is no such session any more."""
    return asker.tell(rid=asker.rid + 1).end == OVER


# ---------------------------------------------------------------------- 5 HTTP


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_5_the_type_of_requests_does_not_matter(web: Web, kind: str) -> None:
    asker = Asker(web)
    asked = ask(web, asker.data(to=web.domain, ver="1.11"), Content_Type=kind)
    assert asked.answer().attrs["sid"]


def test_5_nothing_is_written_in_chunks(juliet: Asker) -> None:
    answer = juliet.tell(ping())
    assert int(answer.headers["content-length"]) == len(answer.data)
    assert "transfer-encoding" not in answer.headers


def test_5_clients_of_http_1_0_are_served(web: Web) -> None:
    data = Asker(web).data(to=web.domain, ver="1.11")
    with web.connect() as sock, sock.makefile("rb") as file:
        sock.sendall(b"POST /http-bind HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
        head, _, body = file.read().partition(b"\r\n\r\n")
    assert head.split()[1] == b"200"
    assert b"ransfer-" not in head
    assert b" sid='" in body


def test_5_a_connection_serves_many_requests(web: Web) -> None:
    http: HTTPConnection = web.http()
    for _ in range(3):
        http.request("POST", "/http-bind", Asker(web).data(to=web.domain), dict(web.headers))
        response = http.getresponse()
        assert (response.status, b" sid='" in response.read()) == (200, True)
    http.close()


def test_5_large_answers_are_compressed_for_who_takes_it(juliet: Asker) -> None:
    large = message(juliet.jid, "x" * 5_000)
    plain = juliet.tell(large)
    assert "content-encoding" not in plain.headers
    packed = ask(juliet.web, juliet.data(large), Accept_Encoding="deflate, gzip").answer()
    assert packed.headers["content-encoding"] == "gzip"
    assert len(packed.data) < 1_000


# ---------------------------------------------------------------------- 6 the wrapper

INSIDE = {
    "a partial element": "<message xmlns='jabber:client'>",
    "a comment": "<!-- soft -->",
    "an instruction": "<?php echo ?>",
    "an entity": "<message xmlns='jabber:client'>&nbsp;</message>",
    "another end": "</iq>",
}
WHOLE = {
    "nothing": "",
    "no XML": "but soft",
    "another element": "<stream xmlns='http://jabber.org/protocol/httpbind' rid='1'/>",
    "another namespace": "<body xmlns='jabber:client' rid='1'/>",
    "a DTD": f"<!DOCTYPE body [<!ENTITY a 'b'>]><body xmlns='{HTTPBIND}' rid='1'/>",
    "two of them": f"<body xmlns='{HTTPBIND}' rid='1'/>" * 2,
}


@pytest.mark.parametrize("inside", INSIDE.values(), ids=INSIDE)
def test_6_what_a_wrapper_must_not_have_inside(web: Web, inside: str) -> None:
    asker = Asker(web)
    asker.begin()
    assert asker.tell(inside).end == WRONG


@pytest.mark.parametrize("whole", WHOLE.values(), ids=WHOLE)
def test_6_what_is_no_wrapper(web: Web, whole: str) -> None:
    assert ask(web, whole).answer().end == WRONG


@pytest.mark.parametrize("inside", ["{}", "{}" + ping(), ping() + "{}", ping() + "{}" + ping()])
@pytest.mark.parametrize("text", ["but soft", "&#65;", "<![CDATA[x]]>"])
def test_6_text_beside_the_elements_is_refused(juliet: Asker, inside: str, text: str) -> None:
    assert juliet.tell(inside.format(text)).end[0] == "terminate"


@pytest.mark.parametrize("rid", ["", "rid=''", "rid='-1'", "rid='0x10'", "rid='9007199254740992'"])
def test_6_14_1_every_request_has_an_id(web: Web, rid: str) -> None:
    data = f"<body xmlns='{HTTPBIND}' to='{web.domain}' ver='1.11' {rid}/>"
    assert ask(web, data).answer().end == WRONG


# ---------------------------------------------------------------------- 7 creation


def test_7_2_what_a_session_is_told(web: Web) -> None:
    created = Asker(web).begin(wait="30", hold="1", ack="1")
    rid = created.attrs["ack"]
    told = dict(created.attrs)
    assert created.status == 200
    assert created.headers["content-type"] == "text/xml; charset=utf-8"
    assert len(told["sid"]) >= 22
    assert (told["wait"], told["hold"], told["requests"]) == ("30", "1", "2")
    assert (told["inactivity"], told["polling"], told["maxpause"]) == ("5", "2", "9")
    assert (told["ver"], told["from"], told["accept"]) == ("1.11", web.domain, "gzip")
    assert told["charsets"] == "UTF-8"
    assert told["stream"] != told["sid"]
    assert rid.isdigit()


def test_7_2_and_no_later_answer_says_it_again(juliet: Asker) -> None:
    assert juliet.tell(ping()).attrs == {}


@pytest.mark.parametrize(
    ("asked", "wait", "hold"), [(("4", "1"), 4, 1), (("900", "10"), 60, 2), (("60", "0"), 60, 0)]
)
def test_7_2_wait_and_hold_are_no_more_than_asked_for(
    web: Web, asked: tuple[str, str], wait: int, hold: int
) -> None:
    told = Asker(web).begin(wait=asked[0], hold=asked[1]).attrs
    assert (int(told["wait"]), int(told["hold"])) == (wait, hold)
    assert int(told["requests"]) == int(asked[1]) + 1


@pytest.mark.parametrize(("asked", "told"), [("1.6", "1.6"), ("1.11", "1.11"), ("2.0", "1.11")])
def test_7_2_the_lower_version(web: Web, asked: str, told: str) -> None:
    assert Asker(web).begin(ver=asked).attrs["ver"] == told


def test_7_2_19_3_no_sid_is_like_another(web: Web) -> None:
    sids = {Asker(web).begin().attrs["sid"] for _ in range(8)}
    assert len({sid[:6] for sid in sids}) == 8


def test_7_1_content_is_the_type_of_all_answers(web: Web) -> None:
    asker = Asker(web)
    asker.begin(content="text/plain; charset=utf-8")
    told = [asker.created, asker.tell(ping()), asker.tell(type="terminate")]
    assert {each.headers["content-type"] for each in told} == {"text/plain; charset=utf-8"}


def test_7_1_a_route_that_is_allowed_and_one_that_is_not(web: Web) -> None:
    assert Asker(web).begin(route="xmpp:capulet.lit:5222").end == GOOD
    assert Asker(web).begin(route="xmpp:evil.example:1").end == ("terminate", "host-unknown")


def test_7_1_who_wants_a_secure_link_to_the_server_has_it(web: Web) -> None:
    assert Asker(web).begin(secure="true").attrs["secure"] == "true"
    assert "secure" not in Asker(web).begin().attrs


def test_7_2_requests_may_be_compressed(juliet: Asker) -> None:
    data = gzip.compress(juliet.data(ping()))
    answer = ask(juliet.web, data, Content_Encoding="gzip").answer()
    assert answer.names == ["iq"]


# ---------------------------------------------------------------------- 8 payloads


def test_8_payloads_come_and_go(juliet: Asker, romeo: Asker) -> None:
    held = romeo.ask()
    assert held.waits
    juliet.ask(message(romeo.jid, "1") + message(romeo.jid, "2"))
    first = held.answer()
    heard = [first] if len(bodies(first)) == 2 else [first, romeo.tell()]
    assert bodies(*heard) == ["1", "2"]


def test_8_who_has_nothing_to_hear_is_told_so_after_wait(web: Web) -> None:
    asker = Asker(web).log_in("nurse", wait="1")
    begun = time.monotonic()
    answer = asker.tell()
    assert 0.8 < time.monotonic() - begun < 5
    assert answer.data == f"<body xmlns='{HTTPBIND}'/>".encode()


def test_8_no_more_are_held_than_agreed_and_the_oldest_is_answered(juliet: Asker) -> None:
    first, second = juliet.ask(), juliet.ask(message("nobody@capulet.lit/x", "1"))
    answer = first.answer()
    assert answer.status == 200
    third = juliet.ask(message(juliet.jid, "2"))
    said = [answer, second.answer(), third.answer()]
    if not bodies(*said):  # the error that the first message came to was the third's answer
        said.append(juliet.ask().answer())
    assert bodies(*said) == ["2"]


# ---------------------------------------------------------------------- 9 acknowledgements


def test_9_1_requests_are_acknowledged(web: Web) -> None:
    asker = Asker(web).log_in("nurse", ack="1", hold="2")
    first = asker.ask()
    assert first.waits
    second = asker.ask()
    assert second.waits
    third = asker.ask(ping())
    answer = first.answer()
    assert answer.attrs["ack"] == str(asker.rid)
    assert answer.attrs["ack"] != str(asker.rid - 2)
    second.answer()
    third.break_off()


def test_9_1_not_the_one_that_is_answered(web: Web) -> None:
    asker = Asker(web).log_in("nurse", ack="1")
    assert "ack" not in asker.tell(ping()).attrs


def test_9_2_an_answer_that_is_missing_is_reported(web: Web) -> None:
    asker = Asker(web).log_in("nurse", ack="1")
    asker.tell(ping())
    lost = asker.rid
    time.sleep(1.1)
    report = asker.tell(ack=str(lost - 1)).attrs
    assert report["report"] == str(lost)
    assert 1_000 <= int(report["time"]) < 5_000


# ---------------------------------------------------------------------- 10 inactivity


def test_10_who_is_away_too_long_is_gone_and_who_has_paused_is_not(web: Web) -> None:
    away, paused, there = (Asker(web).log_in(name) for name in ("juliet", "romeo", "nurse"))
    held = there.ask()
    assert paused.tell(pause="9").data == f"<body xmlns='{HTTPBIND}'/>".encode()
    time.sleep(5.4)
    assert away.tell(ping()).end == OVER
    assert paused.tell(ping()).names == ["iq"]
    assert held.waits


def test_10_a_pause_has_all_requests_answered(juliet: Asker) -> None:
    held, pause = juliet.ask(), juliet.ask(pause="6")
    assert held.answer().end == GOOD
    assert pause.answer().data == f"<body xmlns='{HTTPBIND}'/>".encode()
    assert juliet.tell(ping()).names == ["iq"]


def test_10_a_pause_brings_no_payloads(juliet: Asker, romeo: Asker) -> None:
    held = juliet.ask()
    assert held.waits
    romeo.ask(message(juliet.jid, "1"))
    pause = juliet.ask(pause="6")
    assert pause.answer().names == []
    assert bodies(held.answer(), juliet.tell(ping())) == ["1"]


# ---------------------------------------------------------------------- 11, 12 too fast


def test_11_too_many_requests_at_a_time(juliet: Asker) -> None:
    rid = juliet.rid
    two = [juliet.ask(ping("a"), rid=rid + 2), juliet.ask(ping("b"), rid=rid + 3)]
    time.sleep(0.2)
    juliet.rid = rid
    third = juliet.ask(ping("c"), rid=rid + 4)
    assert third.answer().end in (OVER, FAST)
    assert {each.answer().end[0] for each in two} == {"terminate"}
    assert over(juliet)


def test_11_empty_requests_one_upon_the_other(juliet: Asker) -> None:
    held = juliet.ask()
    time.sleep(0.1)
    assert juliet.tell().end == FAST
    assert held.answer().end[0] == "terminate"


def test_11_one_more_to_end_the_session(juliet: Asker) -> None:
    held = juliet.ask()
    assert juliet.tell(type="terminate").end[1] is None
    assert held.answer().end == ("terminate", None)


def test_12_who_polls_is_answered_at_once(web: Web) -> None:
    asker = Asker(web)
    created = asker.begin(hold="0").attrs
    assert created["requests"] == "1"
    assert int(created["inactivity"]) > 5
    begun = time.monotonic()
    assert asker.tell().end == GOOD
    assert time.monotonic() - begun < 5
    time.sleep(2.1)
    while (answer := asker.tell()).names:
        assert answer.names == ["features"]
    assert answer.end == GOOD
    assert asker.tell().end == FAST


def test_12_wait_0_is_polling_too(web: Web) -> None:
    asker = Asker(web)
    assert asker.begin(wait="0").attrs["wait"] == "0"
    begun = time.monotonic()
    asker.tell()
    assert time.monotonic() - begun < 5


# ---------------------------------------------------------------------- 13 the end


def test_13_the_client_ends_it_with_a_last_word(juliet: Asker, romeo: Asker) -> None:
    held = juliet.ask()
    heard = romeo.ask()
    last = juliet.ask(message(romeo.jid, "adieu"), type="terminate")
    assert held.answer().end == ("terminate", None)
    answer = last.answer()
    assert (answer.status, answer.data) == (200, f"<body xmlns='{HTTPBIND}'/>".encode())
    assert bodies(heard.answer()) == ["adieu"]
    assert over(juliet)


# ---------------------------------------------------------------------- 14 request ids


def test_14_2_out_of_order_and_in_order_again(juliet: Asker, romeo: Asker) -> None:
    rid = juliet.rid
    second = juliet.ask(message(romeo.jid, "2"), rid=rid + 2)
    assert second.waits
    first = juliet.ask(message(romeo.jid, "1"), rid=rid + 1)
    assert first.answer().end == GOOD
    heard = []
    while len(heard) < 2:
        heard += bodies(romeo.tell())
    assert heard == ["1", "2"]
    second.break_off()


@pytest.mark.parametrize("ahead", [3, 4, 1_000_000])
def test_14_2_an_id_beyond_the_window(juliet: Asker, ahead: int) -> None:
    assert juliet.ask(rid=juliet.rid + ahead).answer().end == OVER
    assert over(juliet)


def test_14_3_the_same_answer_again(juliet: Asker) -> None:
    data = juliet.data(ping())
    answer = ask(juliet.web, data).answer()
    assert answer.names == ["iq"]
    assert [ask(juliet.web, data).answer().data for _ in range(2)] == [answer.data] * 2
    assert juliet.tell(ping()).names == ["iq"]


def test_14_3_17_3_one_that_waits_gives_way(juliet: Asker) -> None:
    data = juliet.data()
    held = ask(juliet.web, data)
    assert held.waits
    again = ask(juliet.web, data)
    assert held.answer().end == ("error", None)
    juliet.ask(message(juliet.jid, "1"))
    assert again.answer().end == GOOD


def test_14_3_what_is_not_kept_any_more(juliet: Asker) -> None:
    data = juliet.data(ping())
    ask(juliet.web, data).answer()
    for _ in range(4):
        juliet.tell(ping())
    assert ask(juliet.web, data).answer().end == OVER


def test_14_3_an_answer_that_got_lost_is_had_again(juliet: Asker, romeo: Asker) -> None:
    data = juliet.data()
    lost = ask(juliet.web, data)
    assert lost.waits
    lost.break_off()
    time.sleep(0.1)
    romeo.ask(message(juliet.jid, "1"))
    assert bodies(ask(juliet.web, data).answer()) == ["1"]


# ---------------------------------------------------------------------- 15 keys


REFUSED = f"<auth xmlns='{ns.SASL}' mechanism='NONE'/>"
"""Is answered by a failure; the stream goes on for a while."""


def keys(seed: str, count: int) -> list[str]:
    """K(count) and those before it."""
    found = []
    for _ in range(count):
        seed = hashlib.sha1(seed.encode(), usedforsecurity=False).hexdigest()
        found.append(seed)
    return found[::-1]


def test_15_keys_in_their_sequence_and_another(web: Web) -> None:
    first, second = keys("a", 3), keys("b", 3)
    asker = Asker(web)
    assert asker.begin(newkey=first[0].upper()).end == GOOD
    for given in (
        {"key": first[1]},
        {"key": first[2], "newkey": second[0]},
        {"key": second[1]},
    ):
        assert asker.tell(REFUSED, **given).end != OVER


@pytest.mark.parametrize("key", [None, "", "0" * 40])
def test_15_4_a_key_that_is_wrong(web: Web, key: str | None) -> None:
    asker = Asker(web)
    sequence = keys("a", 3)
    asker.begin(newkey=sequence[0])
    assert asker.tell(REFUSED, key=key).end == OVER
    assert asker.tell(key=sequence[1]).end == OVER


# ---------------------------------------------------------------------- 16 several streams


def second_stream(asker: Asker) -> str:
    answer = asker.tell(to=asker.web.domain, **{"xmpp:version": "1.0"})
    assert answer.end == GOOD
    assert not set(answer.attrs) & {"sid", "requests", "polling", "hold", "inactivity", "ver"}
    name = answer.attrs["stream"]
    assert name != asker.created.attrs["stream"]
    return name


def test_16_3_4_a_second_stream(juliet: Asker) -> None:
    first, second = juliet.created.attrs["stream"], second_stream(juliet)
    features = juliet.tell()
    assert (features.attrs["stream"], features.names) == (second, ["features"])
    assert (features.attrs["from"], features.attrs[f"{XMPP}version"]) == ("capulet.lit", "1.0")
    answer = juliet.tell(ping(), stream=first)
    assert (answer.attrs["stream"], answer.names) == (first, ["iq"])
    message = b64encode(f"\0romeo\0{PASSWORD}".encode()).decode()
    auth = f"<auth xmlns='{ns.SASL}' mechanism='PLAIN'>{message}</auth>"
    answer = juliet.tell(auth, stream=second)
    assert (answer.attrs["stream"], answer.names) == (second, ["success"])
    assert juliet.restart(stream=second).attrs["stream"] == second


def test_16_4_a_stream_that_never_was(juliet: Asker) -> None:
    assert juliet.tell(ping(), stream="nonsense").end == OVER


def test_16_4_the_stream_of_an_empty_request_is_ignored(juliet: Asker) -> None:
    held = juliet.ask(stream="nonsense")
    assert held.waits
    held.break_off()


def test_16_5_one_is_closed_and_the_other_is_not(juliet: Asker) -> None:
    first, second = juliet.created.attrs["stream"], second_stream(juliet)
    juliet.tell()
    closed = juliet.tell(type="terminate", stream=second)
    assert closed.attrs.get("stream") == second
    assert juliet.tell(ping(), stream=first).names == ["iq"]
    assert juliet.tell(type="terminate", stream=first).end == ("terminate", None)
    assert over(juliet)


def test_16_6_the_end_of_one_is_not_the_end_of_all(juliet: Asker) -> None:
    first, second = juliet.created.attrs["stream"], second_stream(juliet)
    juliet.tell()
    ended = juliet.tell("<nonsense xmlns='urn:x'/>", stream=second)
    assert (ended.end, ended.attrs["stream"]) == (("terminate", "remote-stream-error"), second)
    assert juliet.tell(ping(), stream=first).names == ["iq"]


# ---------------------------------------------------------------------- 17 conditions


@pytest.mark.parametrize(
    ("condition", "attrs"),
    [
        ("improper-addressing", {"to": None}),
        ("improper-addressing", {"to": ""}),
        ("host-unknown", {"route": "xmpp:evil.example:9999"}),
        ("bad-request", {"wait": "soon"}),
        ("bad-request", {"hold": "-1"}),
        ("bad-request", {"ver": "one"}),
    ],
)
def test_17_2_sessions_that_can_not_be(
    web: Web, condition: str, attrs: dict[str, str | None]
) -> None:
    answer = Asker(web).begin(**attrs)
    assert (answer.status, answer.end) == (200, ("terminate", condition))


def test_17_2_a_domain_that_is_not_served(web: Web) -> None:
    asker = Asker(web)
    answer = asker.begin(to="nowhere.lit")
    assert answer.end[0] == "terminate"
    assert answer.end[1] in ("host-unknown", "remote-stream-error")


def test_17_2_a_sid_that_is_not_there(web: Web) -> None:
    asker = Asker(web)
    asker.sid = "guessed"
    assert asker.tell().end == OVER


@pytest.mark.parametrize(
    ("status", "attrs"), [(400, {"wait": "soon"}), (200, {"to": None}), (200, {"route": "a:b:1"})]
)
def test_17_1_clients_of_before_are_told_by_status(
    web: Web, status: int, attrs: dict[str, str | None]
) -> None:
    assert Asker(web).begin(ver=None, **attrs).status == status


def test_17_1_and_in_a_session(web: Web) -> None:
    asker = Asker(web).log_in("nurse", ver=None)
    assert asker.ask(rid=asker.rid + 9).answer().status == 404
    fast = Asker(web)
    fast.begin(ver=None, hold="0")
    assert 403 in [fast.tell().status for _ in range(3)]


# ---------------------------------------------------------------------- 19 security


def test_19_1_a_secure_session_takes_nothing_that_is_not(juliet: Asker) -> None:
    plain = juliet.web._replace(headers={**juliet.web.headers, "X-Forwarded-Proto": "http"})
    answer: Answer = ask(plain, juliet.data(ping())).answer()
    assert answer.status == 403
    juliet.rid -= 1
    assert juliet.tell(ping()).names == ["iq"]
