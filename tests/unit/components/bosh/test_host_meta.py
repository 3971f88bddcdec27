import json

import pytest
from lxml import etree

from components.bosh.http.host_meta import BOSH, WEBSOCKET, HostMeta
from tests.support.http_exchanges import HERE, PLAIN, Counted, answered, asking, told

XRD = "{http://docs.oasis-open.org/ns/xri/xrd-1.0}"


def links(meta, **asked):
    """The links, which are the same in both documents."""
    xml = etree.fromstring(answered(meta.xrd, asking(**asked)).body)
    assert xml.tag == f"{XRD}XRD"
    told_by_xml = {each.get("rel"): each.get("href") for each in xml.iterfind(f"{XRD}Link")}
    told_by_json = json.loads(answered(meta.jrd, asking(**asked)).body)["links"]
    assert {each["rel"]: each["href"] for each in told_by_json} == told_by_xml
    return told_by_xml


def test_links_to_where_the_client_has_asked_xep0156_2_1():
    assert links(HostMeta()) == {
        BOSH: "https://chat.example.org/http-bind",
        WEBSOCKET: "wss://chat.example.org/xmpp-websocket",
    }


def test_links_to_what_the_configuration_says():
    meta = HostMeta("https://web.example.net/chat/")
    expected = {
        BOSH: "https://web.example.net/chat/http-bind",
        WEBSOCKET: "wss://web.example.net/chat/xmpp-websocket",
    }
    assert links(meta) == links(meta, peer=PLAIN) == links(meta, host="<>") == expected


def test_the_port_stays():
    assert links(HostMeta(), host="[2001:db8::1]:8443")[BOSH].startswith(
        "https://[2001:db8::1]:8443/"
    )


def test_only_https_and_wss_over_a_network_xep0156_2_2():
    assert links(HostMeta(), peer=PLAIN) == {}


def test_this_machine_is_reached_as_it_was_asked():
    assert links(HostMeta(), peer=HERE, host="localhost:5280") == {
        BOSH: "http://localhost:5280/http-bind",
        WEBSOCKET: "ws://localhost:5280/xmpp-websocket",
    }


def test_what_is_not_offered_has_no_link():
    assert list(links(HostMeta(bosh=""))) == [WEBSOCKET]
    assert list(links(HostMeta(websocket=""))) == [BOSH]


@pytest.mark.parametrize(
    "host",
    [
        "",
        "a b",
        'a"/><Link',
        "a/b",
        "a@b",
        "a,b",
        "a:b",
        "a:123456",
        "-a",
        ".",
        "é",
        "a\r\nb",
        "[::1",
    ],
)
def test_a_host_that_is_none_is_refused(host):
    counted = Counted()
    meta = HostMeta(refused=counted)
    for document in (meta.xrd, meta.jrd):
        response = answered(document, asking(host=host))
        assert response.status == 400
        assert not told(response, "Cache-Control")
    assert counted == [("http.host", "192.0.2.7")] * 2


def test_headers_of_the_documents_xep0156_3():
    xrd = answered(HostMeta().xrd, asking())
    jrd = answered(HostMeta().jrd, asking())
    assert told(xrd, "Content-Type").startswith("application/xrd+xml")
    assert told(jrd, "Content-Type") == "application/json"
    for response in (xrd, jrd):
        assert response.status == 200
        assert told(response, "Access-Control-Allow-Origin") == "*"
        assert told(response, "Vary") == "Host"
        assert told(response, "Cache-Control") == "max-age=3600"
