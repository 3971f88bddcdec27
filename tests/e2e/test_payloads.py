"""What the server does not know arrives as it was sent, on each store (RFC 6120 §8.4, RFC 3923).

Signed and encrypted objects (RFC 3923) are text that nobody may touch. Payloads are compared as
canonical XML, of what stands on the wire: slixmpp's own tree knows no prefixes. Where they use
a prefix of the stanza or the stream, or have CDATA, their prefixes are others behind the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import canonicalize

import pytest
from lxml import etree

from tests.e2e.verona import VERONA, Server, running
from tests.support.clients import soon
from tests.support.company import Person, befriend, settled
from xmppd import ns

JULIET, ROMEO = f"juliet@{VERONA}", f"romeo@{VERONA}"
BALCONY, ORCHARD = f"{JULIET}/balcony", f"{ROMEO}/orchard"

E2E = """<e2e xmlns='urn:ietf:params:xml:ns:xmpp-e2e'><![CDATA[
Content-type: multipart/signed; boundary="next"; micalg=sha1;
 protocol="application/pkcs7-signature"\r

--next
Content-type: Message/CPIM

From: Juliet Capulet <im:juliet@example.com>
\tTo: Romeo <im:romeo@example.net>, &amp; <not/a tag> <!-- no comment -->
Content-type: text/plain; charset=utf-8

Wherefore art thou, Romeo? \N{ROSE}   ]]]]><![CDATA[>
--next--
]]></e2e>"""
CAPS = (
    "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://verona.lit/'"
    " ver='QgayPKawpkPSDYmwT/WM94uAlu0='/>"
)
OUTSIDE = "<m:x m:y='1'><y/><m:z xmlns:m='urn:example:other' m:y=''/></m:x>"
"""Uses a prefix that its stanza declares."""
ODD = [
    E2E,
    OUTSIDE,
    CAPS,
    "<x xmlns=''>of no <y xmlns='urn:example:y'/> namespace</x>",
    "<p:x xmlns:p='urn:example:p' xmlns:q='urn:example:q' q:a=' 1 ' a='&#10;2&#9;' xml:lang='it'"
    " xml:space='preserve'> <q:y type='q:thing'/>\n<p:y xmlns:p='urn:example:again'><p:p/></p:y>"
    " </p:x>",
    "<x xmlns='urn:example:&amp;it&apos;s'>&#9;&#10;&#13;&amp;&lt;&gt;&quot;&#x1F339;</x>",
    "<stream:x xmlns:stream='urn:example:not-the-stream'><stream:y stream:z=''/></stream:x>",
    "<x xmlns='jabber:server'><message to='x'><body>within</body></message></x>",
    "<b:body xmlns:b='urn:example:body'>no body</b:body>",
    "<_-.x xmlns='urn:example:name'><\N{GREEK SMALL LETTER BETA}/></_-.x>",
    "<x xmlns='urn:example:deep'>" + "<y>" * 60 + "z" + "</y>" * 60 + "</x>",
    "<x xmlns='urn:example:pi'>a<![CDATA[<b>&amp;</b>]]>c<![CDATA[]]></x>",
]
HEAD = f"<stream:stream xmlns='{ns.CLIENT}' xmlns:stream='{ns.STREAM}'>".encode()


class Witness(Person):
    """A client that keeps the octets that it has received."""

    def __init__(self, jid: str, server: Server) -> None:
        super().__init__(jid, server)
        self.wire = b""
        self._more = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.wire += data
        self._more.set()
        super().data_received(data)

    async def gets(self, id_: str) -> etree._Element:
        """The stanza of that id, once it has come."""
        while True:
            self._more.clear()
            try:
                return self.received(id_)
            except (ValueError, etree.XMLSyntaxError):  # not yet, or not whole
                await soon(self._more.wait())

    def received(self, id_: str) -> etree._Element:
        """The stanza of that id, which has come."""
        _, _, data = self.wire.rpartition(b"<stream:stream")
        stream = etree.fromstring(HEAD + data.partition(b">")[2] + b"</stream:stream>")
        (found,) = stream.xpath("*[@id=$id]", id=id_)
        return found


def canonical(stanza: etree._Element) -> list[str]:
    """The payloads of a stanza as canonical XML, whatever their prefixes are."""
    return [
        canonicalize(etree.tostring(child, encoding=str, with_tail=False), rewrite_prefixes=True)
        for child in stanza
    ]


def with_prefixes(stanza: etree._Element) -> list[bytes]:
    """Likewise, and their prefixes are those that were sent."""
    return [etree.tostring(e, method="c14n", exclusive=True, with_tail=False) for e in stanza]


def sent(text: str) -> etree._Element:
    return etree.fromstring(HEAD + text.encode() + b"</stream:stream>")[0]


@pytest.fixture
def server(store: Mapping[str, Any], tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path, {"store": store}, (JULIET, ROMEO)) as server:
        yield server


@asynccontextmanager
async def witness(server: Server, jid: str) -> AsyncIterator[Witness]:
    async with Witness(jid, server) as person:
        person.send_presence()
        await settled(person)
        yield person


def odd(kind: str, id_: str, to: str = "", *payloads: str, type_: str = "") -> str:
    """A stanza with these payloads; with an attribute that nobody knows where they need it."""
    attrs = "".join(f" {n}='{v}'" for n, v in (("to", to), ("type", type_)) if v)
    if OUTSIDE in payloads:
        attrs += " xmlns:m='urn:example:mood' m:mood='d&apos;ark'"
    return f"<{kind} id='{id_}' xml:lang='it'{attrs}>{''.join(payloads)}</{kind}>"


def told_alike(came: etree._Element, text: str, *, late: bool = False) -> None:
    """It is what was sent, but for its sender, and for the delay of what comes late."""
    before = sent(text)
    if late:
        delay = came[-1]
        assert delay.tag == "{urn:xmpp:delay}delay"
        came.remove(delay)
    assert canonical(came) == canonical(before)
    if not any(sign in text for sign in ("CDATA", OUTSIDE, "stream:")):
        assert with_prefixes(came) == with_prefixes(before)
    assert came.get("from") == BALCONY
    assert {n: v for n, v in came.attrib.items() if n not in ("from", "to")} == {
        n: v for n, v in before.attrib.items() if n != "to"
    }


BODY = "<body>&lt;b&gt;<![CDATA[ & ]]>\n</body><subject xml:lang='la'>Rosa</subject>"


async def test_3923_and_what_nobody_knows_arrive_as_they_were_sent(server: Server) -> None:
    async with AsyncExitStack() as stack:
        juliet = await stack.enter_async_context(witness(server, BALCONY))
        async with witness(server, ORCHARD) as romeo:
            await befriend(juliet, romeo)
            stanzas = [
                odd("message", "full", ORCHARD, BODY, *ODD, type_="chat"),
                odd("message", "bare", ROMEO, *ODD, BODY),
                odd("message", "headline", ORCHARD, E2E, type_="headline"),
                odd("message", "signed", ROMEO, E2E),
                odd("presence", "directed", ORCHARD, *ODD),
                odd("presence", "to all", "", *ODD, "<status>all</status>"),
                *(
                    odd("iq", f"{kind}{number}", ORCHARD, payload, type_=kind)
                    for kind in ("get", "set")
                    for number, payload in enumerate(ODD)
                ),
            ]
            for text in stanzas:
                juliet.send_raw(text)
            await settled(juliet, romeo)
            for text in stanzas:
                told_alike(await romeo.gets(sent(text).get("id")), text)
            for kind in ("get", "set"):
                for number in range(len(ODD)):
                    assert (await juliet.gets(f"{kind}{number}")).get("from") == ORCHARD
        kept = [
            odd("message", "kept", ROMEO, BODY, *ODD, type_="chat"),
            odd("message", "kept and signed", ROMEO, E2E),
        ]
        for text in kept:
            juliet.send_raw(text)
        await settled(juliet)
        async with witness(server, ORCHARD) as romeo:
            told_alike(await romeo.gets("to all"), stanzas[5], late=True)
            for text in kept:
                told_alike(await romeo.gets(sent(text).get("id")), text, late=True)


REFUSED = ["<!-- a comment -->", "<?a pi?>", "&lt;&entity;"]


async def test_rfc6120_11_1_comments_and_the_like_end_the_stream_and_arrive_nowhere(
    server: Server,
) -> None:
    async with witness(server, ORCHARD) as romeo:
        for text in REFUSED:
            async with Witness(BALCONY, server) as juliet:
                juliet.send_raw(odd("message", "x", ORCHARD, f"<x xmlns='urn:x'>{text}</x>"))
                assert await soon(juliet.stream_errors.get()) == "restricted-xml"
        await settled(romeo)
        assert romeo.messages.empty()
