"""XEP-0206 from the outside: streams of XMPP in the bodies of XEP-0124."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from xml.etree.ElementTree import Element

import pytest

from tests.support.bosh_requests import STREAM, XMPP, Answer, Asker, bodies, message, ping
from tests.support.server import PASSWORD
from tests.support.web_peers import HTTPBIND, Web
from xmppd import ns

DECLARED = b"xmlns:stream='http://etherx.jabber.org/streams'"


@pytest.fixture
def juliet(web: Web) -> Iterator[Asker]:
    asker = Asker(web).log_in("juliet")
    yield asker
    asker.end()


@pytest.fixture
def stranger(web: Web) -> Asker:
    """Somebody who has a session, and its features."""
    asker = Asker(web)
    hello(asker)
    return asker


def hello(asker: Asker, **attrs: str | None) -> Answer:
    """Create a session; the answer that has the features, which may be the next."""
    answer = asker.begin(**attrs)
    assert answer.end == (None, None)
    return answer if answer.names else asker.tell()


def auth(name: str, password: str = PASSWORD, mechanism: str = "PLAIN") -> str:
    told = b64encode(f"\0{name}\0{password}".encode()).decode()
    return f"<auth xmlns='{ns.SASL}' mechanism='{mechanism}'>{told}</auth>"


def error(answer: Answer) -> str:
    """The condition of the stream error that ends a session."""
    assert answer.end == ("terminate", "remote-stream-error")
    assert DECLARED in answer.data
    last: Element = answer.body[-1]
    assert last.tag == f"{STREAM}error"
    return last[0].tag.removeprefix(f"{{{ns.STREAM_ERRORS}}}")


# ---------------------------------------------------------------------- 2 the wrapper


@pytest.mark.parametrize("declared", ["", f" xmlns='{ns.CLIENT}'", f" xmlns='{HTTPBIND}'"])
def test_2_stanzas_of_jabber_client_by_any_of_these(juliet: Asker, declared: str) -> None:
    answer = juliet.tell(f"<message{declared} to='{juliet.jid}'><body>1</body></message>")
    assert bodies(answer) == ["1"]
    assert b"<message xmlns='jabber:client'" in answer.data


def test_2_several_stanzas_in_one_wrapper(juliet: Asker) -> None:
    answer = juliet.tell(ping("a") + message(juliet.jid, "1") + ping("b"))
    while len(answer.names) < 3:
        answer = answer._replace(data=answer.data[:-7] + juliet.tell().data.partition(b">")[2])
    assert answer.names == ["iq", "message", "iq"]


def test_2_no_start_of_tls_and_no_compression_is_offered(web: Web) -> None:
    features = hello(Asker(web)).body[0]
    offered = {child.tag for child in features}
    assert f"{{{ns.SASL}}}mechanisms" in offered
    assert not any("tls" in name or "compress" in name for name in offered)


# ---------------------------------------------------------------------- 3, 4 creation


def test_4_features_version_restartlogic_and_the_streams_id(web: Web) -> None:
    asker = Asker(web)
    answer = hello(asker)
    assert asker.created.attrs[f"{XMPP}restartlogic"] == "true"
    assert answer.attrs[f"{XMPP}version"] == "1.0"
    assert answer.attrs["authid"] != asker.sid
    assert answer.attrs["from"] == web.domain
    assert answer.body[0].tag == f"{STREAM}features"
    assert DECLARED in answer.data


def test_3_before_xmpp_1_0_there_are_no_features(web: Web) -> None:
    asker = Asker(web)
    answer = asker.begin(**{"xmpp:version": None})
    if "authid" not in answer.attrs:
        answer = asker.tell()
    assert answer.attrs["authid"]
    assert f"{XMPP}version" not in answer.attrs
    assert answer.names == []


def test_3_whose_domain_it_is_the_server_says(web: Web) -> None:
    answer = hello(Asker(web), to="mantua.lit", **{"from": "juliet@mantua.lit"})
    assert answer.attrs["from"] == "mantua.lit"


# ---------------------------------------------------------------------- 5 authentication


def test_5_from_sasl_to_a_resource(stranger: Asker) -> None:
    assert stranger.tell(auth("juliet")).body[0].tag == f"{{{ns.SASL}}}success"
    answer = stranger.restart(**{"xml:lang": "en"})
    assert (answer.names, DECLARED in answer.data) == (["features"], True)
    assert answer.body[0].find(f"{{{ns.BIND}}}bind") is not None
    bind = f"<bind xmlns='{ns.BIND}'><resource>httpclient</resource></bind>"
    answer = stranger.tell(f"<iq xmlns='{ns.CLIENT}' type='set' id='1'>{bind}</iq>")
    assert answer.body.findtext(f".//{{{ns.BIND}}}jid") == "juliet@capulet.lit/httpclient"
    stranger.end()


def test_5_a_wrong_password_and_another_try(stranger: Asker) -> None:
    assert stranger.tell(auth("juliet", "wrong")).body[0][0].tag == f"{{{ns.SASL}}}not-authorized"
    assert stranger.tell(auth("juliet")).names == ["success"]


@pytest.mark.parametrize("true", ["true", "1"])
def test_5_what_stands_in_a_restart_is_ignored(stranger: Asker, true: str) -> None:
    stranger.tell(auth("juliet"))
    answer = stranger.tell(ping(), to="capulet.lit", **{"xmpp:restart": true})
    assert answer.names == ["features"]
    assert stranger.tell(auth("juliet")).end[0] == "terminate"


def test_5_no_restart_is_no_restart(stranger: Asker) -> None:
    stranger.tell(auth("juliet"))
    answer = stranger.tell(ping(), **{"xmpp:restart": "false"})
    assert error(answer)


def test_5_a_restart_need_not_say_to_whom(stranger: Asker) -> None:
    stranger.tell(auth("juliet"))
    assert stranger.tell("", **{"xmpp:restart": "true"}).names == ["features"]


# ---------------------------------------------------------------------- 6 errors


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("unsupported-stanza-type", "<nonsense xmlns='urn:x'/>"),
        ("invalid-from", "<message xmlns='jabber:client' from='romeo@capulet.lit'/>"),
    ],
)
def test_6_a_stream_error_ends_the_session(juliet: Asker, condition: str, said: str) -> None:
    assert error(juliet.tell(said)) == condition
    assert juliet.tell().end == ("terminate", "item-not-found")


def test_6_with_what_was_said_before_it(juliet: Asker) -> None:
    answer = juliet.tell(message(juliet.jid, "1") + "<nonsense xmlns='urn:x'/>")
    heard = bodies(answer)
    if not heard:  # told in an answer of its own
        assert error(answer)
    else:
        assert heard == ["1"]


def test_6_a_domain_that_is_not_there(web: Web) -> None:
    answer = Asker(web).begin(to="nowhere.lit")
    assert answer.end == ("terminate", "host-unknown") or error(answer) == "host-unknown"


# ---------------------------------------------------------------------- 7 gone


def test_7_who_writes_to_a_session_that_is_over_is_told(web: Web, juliet: Asker) -> None:
    gone = Asker(web).log_in("romeo")
    gone.tell(type="terminate")
    ask = f"<iq xmlns='{ns.CLIENT}' type='get' id='1' to='{gone.jid}'><a xmlns='urn:x'/></iq>"
    (answer,) = juliet.tell(ask).body
    assert answer.get("type") == "error"
    assert answer.find(f".//{{{ns.STANZA_ERRORS}}}service-unavailable") is not None
