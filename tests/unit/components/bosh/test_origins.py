import pytest

from components.bosh.http.origins import SECONDS, Origins
from components.bosh.http.request import Response
from tests.support.http_exchanges import HERE, PLAIN, Asked, Counted, answered, asking, told

OWN = "https://chat.example.org"
OTHER = "https://web.example.net"


def permitted(origin, *allowed, **asked):
    return Origins(allowed).permits(asking("/http-bind", "POST", origin=origin, **asked))


def test_no_origin_is_no_browser():
    assert Origins().permits(asking("/http-bind", "POST"))


@pytest.mark.parametrize("origin", [OWN, "https://CHAT.example.org", f"{OWN}:443"])
def test_our_own_origin_always(origin):
    assert permitted(origin)


def test_our_own_is_scheme_host_and_port_rfc6454_4():
    assert not permitted("http://chat.example.org")
    assert not permitted(f"{OWN}:8443")
    assert permitted(f"{OWN}:8443", host="chat.example.org:8443")
    assert not permitted(f"{OWN}.evil.example")
    assert not permitted(f"{OWN}, {OWN}")
    assert not permitted("chat.example.org")


def test_on_this_machine_without_tls():
    assert permitted("http://localhost:5280", peer=HERE, host="localhost:5280")
    assert not permitted("http://localhost:3000", peer=HERE, host="localhost:5280")


def test_a_proxy_that_does_not_tell_of_tls():
    assert permitted(OWN, peer=PLAIN)


def test_a_host_that_is_none_is_nobodys_origin():
    assert not permitted("https://a b", host="a b")
    assert not permitted("https://", host="")


def test_origins_that_are_named():
    assert permitted(OTHER, "https://Web.example.net:443")
    assert not permitted("http://web.example.net", OTHER)
    assert permitted("https://anything.example", "*")


def test_null_only_where_it_is_named():
    assert not permitted("null")
    assert not permitted("null", "*")
    assert permitted("null", "null")


def test_an_answer_that_a_page_may_read():
    handler = Origins([OTHER]).sharing(lambda exchange: exchange.answer(Response(200)), ["POST"])
    response = answered(handler, asking("/http-bind", "POST", origin=OTHER))
    assert told(response, "Access-Control-Allow-Origin") == OTHER
    assert told(response, "Vary") == "Origin"
    assert not told(response, "Access-Control-Allow-Credentials")


def test_an_answer_to_no_browser_is_left_as_it_is():
    handler = Origins().sharing(lambda exchange: exchange.answer(Response(200)), ["POST"])
    assert answered(handler, asking("/http-bind", "POST")) == Response(200)


def test_for_all_the_answer_names_the_one_that_asks():
    response = Origins(["*"]).headers(asking(origin=OTHER))
    assert dict(response) == {"Access-Control-Allow-Origin": OTHER, "Vary": "Origin"}


@pytest.mark.parametrize("way", [Origins.guarding, lambda o, h: o.sharing(h, ["POST"])])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_foreign_origin_is_refused(way, method):
    counted = Counted()
    handler = way(Origins(refused=counted), lambda exchange: exchange.answer(Response(200)))
    response = answered(handler, asking("/http-bind", method, origin=OTHER))
    assert response.status == 403
    assert not told(response, "Access-Control-Allow-Origin")
    assert counted == [("http.origin", "192.0.2.7")]


def test_who_is_permitted_passes_the_guard():
    handler = Origins().guarding(lambda exchange: exchange.answer(Response(101)))
    assert answered(handler, asking(origin=OWN)) == Response(101)


def test_a_preflight():
    handler = Origins([OTHER]).sharing(lambda exchange: None, ["POST"])
    asked = asking("/http-bind", "OPTIONS", origin=OTHER, access_control_request_method="POST")
    response = answered(handler, asked)
    assert (response.status, response.body) == (204, b"")
    assert told(response, "Access-Control-Allow-Methods") == "POST, OPTIONS"
    assert told(response, "Access-Control-Allow-Headers") == "Content-Type"
    assert told(response, "Access-Control-Max-Age") == str(SECONDS)
    assert told(response, "Access-Control-Allow-Origin") == OTHER


def test_options_of_no_browser_tells_the_methods():
    handler = Origins().sharing(lambda exchange: None, ["POST"])
    response = answered(handler, asking("/http-bind", "OPTIONS"))
    assert (response.status, told(response, "Allow")) == (204, "POST, OPTIONS")


def test_who_is_gone_is_told_to_the_exchange_behind():
    def handler(exchange):
        exchange.on_gone = gone.append
        assert exchange.on_gone == gone.append

    gone = []
    exchange = Asked(asking("/http-bind", "POST", origin=OWN))
    Origins().sharing(handler, ["POST"])(exchange)
    assert exchange.on_gone == gone.append


def test_a_handler_may_let_go_of_what_was_said():
    def handler(exchange):
        exchange.request = exchange.request._replace(body=b"")

    asked = Asked(asking("/http-bind", "POST", body=b"<body/>", origin=OWN))
    Origins().sharing(handler, ["POST"])(asked)
    assert asked.request.body == b""
