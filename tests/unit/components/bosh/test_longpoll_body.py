"""The wrapper of what is said by BOSH (XEP-0124 §6, XEP-0206 §2)."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from components.bosh.longpoll.body import read, wrapper, written
from components.bosh.longpoll.names import LANG, RESTART
from components.bosh.longpoll.refusal import Refused
from components.bosh.names import HTTPBIND, XBOSH
from xmppd import ns

CLIENT = f"{{{ns.CLIENT}}}"


def inside(content: str) -> list[str]:
    """The names of the elements, read where jabber:client is the default namespace."""
    return [each.tag for each in fromstring(f"<stream xmlns='{ns.CLIENT}'>{content}</stream>")]


def test_attributes_and_what_stands_inside_xep0124_6() -> None:
    body = read(
        f"<body rid='1' xml:lang='en' x:restart='true' xmlns:x='{XBOSH}' xmlns='{HTTPBIND}'>"
        f"<message xmlns='{ns.CLIENT}'><body>&lt;i></body></message><presence/></body>".encode()
    )
    assert body.attrs == {"rid": "1", LANG: "en", RESTART: "true"}
    assert body.content == (
        f"<message xmlns='{ns.CLIENT}'><body>&lt;i></body></message><presence/>"
    )


@pytest.mark.parametrize(
    "data",
    [
        f"<body xmlns='{HTTPBIND}'/>",
        f"<body xmlns='{HTTPBIND}'></body>",
        f"<?xml version='1.0' encoding='utf-8'?>\n<body xmlns='{HTTPBIND}'> \n</body >\n",
        f"\ufeff<body xmlns='{HTTPBIND}' to='a>b' />",
        f"<b:body xmlns:b='{HTTPBIND}'/>",
    ],
)
def test_empty_ones(data: str) -> None:
    assert read(data.encode()).content == ""


def test_elements_of_no_namespace_or_the_wrappers_are_of_jabber_client_xep0206_2() -> None:
    for start in (f"<body xmlns='{HTTPBIND}'>", f"<body\n xmlns:b='b' xmlns='{HTTPBIND}'>"):
        body = read(f"{start}<message to='romeo'><body>Hi</body></message></body>".encode())
        assert inside(body.content) == [f"{CLIENT}message"]
    prefixed = f"<b:body xmlns:b='{HTTPBIND}'><message/><b:iq/><c:iq xmlns:c='c'/></b:body>"
    assert inside(read(prefixed.encode()).content) == [f"{CLIENT}message", f"{CLIENT}iq", "{c}iq"]


def test_an_element_that_declares_the_wrappers_namespace_is_of_jabber_client_xep0206_2() -> None:
    body = read(f"<body xmlns='{HTTPBIND}'><iq xmlns='{HTTPBIND}'><q/></iq></body>".encode())
    assert inside(body.content) == [f"{CLIENT}iq"]
    assert HTTPBIND not in body.content


def test_another_default_namespace_is_that_of_what_stands_inside() -> None:
    body = read(f"<b:body xmlns:b='{HTTPBIND}' xmlns='json'><json/></b:body>".encode())
    assert inside(body.content) == ["{json}json"]


def test_prefixes_of_the_wrapper_are_spelled_out_inside() -> None:
    data = (
        f"<body xmlns='{HTTPBIND}' xmlns:s='{ns.SASL}' xmlns:x='x&amp;y'>"
        "<s:auth x:y='1'>AGE=</s:auth><message><x:z>1 &lt; 2</x:z></message></body>"
    )
    content = read(data.encode()).content
    assert inside(content) == [f"{{{ns.SASL}}}auth", f"{CLIENT}message"]
    auth, message = fromstring(f"<stream xmlns='{ns.CLIENT}'>{content}</stream>")
    assert auth.attrib == {"{x&y}y": "1"}
    assert message[0].tag == "{x&y}z" and message[0].text == "1 < 2"


def test_text_between_elements_stays_for_the_server_to_refuse_xep0124_6() -> None:
    for declared in ("", " xmlns:x='x'"):
        data = f"<body xmlns='{HTTPBIND}'{declared}>one<a x='x:'/>two</body>"
        assert read(data.encode()).content == "one<a x='x:'/>two"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "bosh.not-xml"),
        (b"{}", "bosh.not-xml"),
        (b"<body", "bosh.not-xml"),
        (b"<body xmlns='" + HTTPBIND.encode() + b"'>", "bosh.not-xml"),
        (b"<body xmlns='" + HTTPBIND.encode() + b"'><a></b></body>", "bosh.not-xml"),
        (b"<body xmlns='" + HTTPBIND.encode() + b"'><a:b/></body>", "bosh.not-xml"),
        (b"<body xmlns='" + HTTPBIND.encode() + b"'/><body/>", "bosh.not-xml"),
        (b"<body xmlns='" + HTTPBIND.encode() + b"'>\xff</body>", "bosh.not-xml"),
        (b"<body xmlns='" + HTTPBIND.encode() + b"'>&nbsp;</body>", "bosh.not-xml"),
        (b"<body xmlns='" + HTTPBIND.encode() + b"'>\x00</body>", "bosh.not-xml"),
        (b"<!DOCTYPE body><body xmlns='" + HTTPBIND.encode() + b"'/>", "bosh.not-xml"),
        (b"<!-- --><body xmlns='" + HTTPBIND.encode() + b"'/>", "bosh.not-xml"),
        (b"<?pi?><body xmlns='" + HTTPBIND.encode() + b"'/>", "bosh.not-xml"),
        (b"<body xmlns='" + HTTPBIND.encode() + b"'><!-- --></body>", "bosh.restricted-xml"),
        (b"<body xmlns='" + HTTPBIND.encode() + b"'><?pi?></body>", "bosh.restricted-xml"),
        (b"<body xmlns='" + HTTPBIND.encode() + b"'/><!-- -->", "bosh.restricted-xml"),
        (b"<body/>", "bosh.no-body"),
        (b"<message xmlns='" + HTTPBIND.encode() + b"'/>", "bosh.no-body"),
    ],
)
def test_what_is_no_body_is_refused_xep0124_6(data: bytes, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        read(data)
    assert (refused.value.condition, refused.value.reason) == ("bad-request", reason)


def test_comments_that_are_none_pass() -> None:
    data = f"<body xmlns='{HTTPBIND}'><message><![CDATA[<!-- <?no --> ]]></message></body>"
    assert read(data.encode()).content == "<message><![CDATA[<!-- <?no --> ]]></message>"


def test_a_wrapper_has_only_so_many_attributes() -> None:
    for attrs in (
        " ".join(f"a{number}=''" for number in range(40)),
        f"a='{'x' * 9_000}'",
        " ".join(f"xmlns:a{number}='a'" for number in range(40)),
    ):
        with pytest.raises(Refused) as refused:
            read(f"<body {attrs} xmlns='{HTTPBIND}'><a/></body>".encode())
        assert refused.value.reason == "bosh.large-body-tag"


def test_prefixes_that_mean_too_much_text_are_refused() -> None:
    inner = "<x:a/>" * 1_000
    data = f"<body xmlns='{HTTPBIND}' xmlns:x='{'x' * 4_000}'>{inner}</body>"
    with pytest.raises(Refused) as refused:
        read(data.encode())
    assert (refused.value.condition, refused.value.reason) == (
        "policy-violation",
        "bosh.many-prefixes",
    )


def test_prefixes_that_mean_too_much_work_are_refused() -> None:
    data = f"<body xmlns='{HTTPBIND}' xmlns:x='x'>{'<a/>' * 5_000}%s</body>"
    assert read((data % "<b/>").encode()).content.endswith("<b/>")
    many = " ".join(f"a{number}=''" for number in range(5_000))
    for work in (data % "<x:b/>", f"<body xmlns='{HTTPBIND}' xmlns:x='x'><x:a {many}/></body>"):
        with pytest.raises(Refused) as refused:
            read(work.encode())
        assert refused.value.reason == "bosh.many-prefixes"


def test_a_wrapper_can_be_read_alone() -> None:
    for inside in ("/>", ">no matter what"):
        assert wrapper(f"<body sid='a>' xmlns='{HTTPBIND}'{inside}".encode()) == {"sid": "a>"}


def test_what_is_written_is_read() -> None:
    data = written({"sid": "a'<&", "xmlns:stream": ns.STREAM}, b"<stream:features/>")
    root = fromstring(data)
    assert root.tag == f"{{{HTTPBIND}}}body" and root.attrib == {"sid": "a'<&"}
    assert root[0].tag == f"{{{ns.STREAM}}}features"
