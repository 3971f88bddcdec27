import pytest

from components.bosh.http.request import Response
from components.bosh.http.routes import Routes, both, nothing, only
from tests.support.http_exchanges import Counted, answered, asking, told


def saying(text):
    return lambda exchange: exchange.answer(Response(200, (), text))


ROUTES = Routes(
    {**both("/http-bind", saying(b"bosh")), "/xmpp-websocket": saying(b"websocket")},
    saying(b"file"),
)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/http-bind", b"bosh"),
        ("/http-bind/", b"bosh"),
        ("/xmpp-websocket", b"websocket"),
        ("/xmpp-websocket/", b"file"),
        ("/http-bind/x", b"file"),
        ("/HTTP-BIND", b"file"),
        ("/", b"file"),
    ],
)
def test_who_answers(path, said):
    assert answered(ROUTES, asking(path)).body == said


def test_other_methods_are_told_which_there_are_rfc9110_15_5_6():
    counted = Counted()
    handler = only(("POST", "GET"), saying(b"bosh"), counted)
    response = answered(handler, asking("/http-bind", "PUT"))
    assert (response.status, told(response, "Allow")) == (405, "GET, POST")
    assert counted == [("http.method", "192.0.2.7")]
    assert answered(handler, asking("/http-bind", "POST")).body == b"bosh"


def test_without_files_nothing_is_found():
    counted = Counted()
    assert answered(nothing(counted), asking("/")).status == 404
    assert counted == [("http.not-found", "192.0.2.7")]
