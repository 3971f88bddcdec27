"""What is in PEP and what is in vCards is the same where both components are there.

Avatars (XEP-0398), and all else that a vCard says (XEP-0292).

All as it comes with the server: `twistd xmppd` starts `xmppd-pubsub` and `xmppd-vcard`.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from tests.support.payloads import AVATAR
from tests.support.peers import Peer
from tests.support.process import READY, RunningServer, until, write_config
from tests.support.server import PASSWORD
from tests.support.vcards import png
from xmppd import ns

CONFIG = """\
[listen]
c2s = ["tcp:0:interface=127.0.0.1"]
c2s_tls = []
component = []
[bundled]
off = ["muc", "bosh"]
"""
DOMAIN = "localhost"
IMAGE = png(filling=b"Juliet")
HASH = hashlib.sha1(IMAGE).hexdigest()
PUBSUB = "http://jabber.org/protocol/pubsub"
OPEN = (
    "<publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
    f"<value>{PUBSUB}#publish-options</value></field>"
    "<field var='pubsub#access_model'><value>open</value></field></x></publish-options>"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    directory: Path = tmp_path_factory.mktemp("both")
    running = RunningServer(directory, write_config(directory, CONFIG))
    try:
        running.wait_for(READY)
        for name in ("vcard", "pubsub"):
            running.wait_for(f"component {name}.{DOMAIN} is connected")
        running.add(f"juliet@{DOMAIN}", f"romeo@{DOMAIN}", password=PASSWORD)
        yield running
    finally:
        running.stop()


@pytest.fixture
def juliet(server: RunningServer) -> Iterator[Peer]:
    with Peer(server.ports["c2s"], DOMAIN) as peer:
        peer.log_in("juliet", PASSWORD, "balcony")
        yield peer


@pytest.fixture
def romeo(server: RunningServer) -> Iterator[Peer]:
    with Peer(server.ports["c2s"], DOMAIN) as peer:
        peer.log_in("romeo", PASSWORD, "orchard")
        yield peer


def publish(peer: Peer, node: str, id_: str, payload: str) -> None:
    inner = f"<publish node='{node}'><item id='{id_}'>{payload}</item></publish>{OPEN}"
    answer = peer.ask(f"<pubsub xmlns='{PUBSUB}'>{inner}</pubsub>", "set")
    assert answer.get("type") == "result"


def photo(peer: Peer, of: str) -> bytes:
    """The image in somebody's vCard; b"" for none."""
    answer = peer.ask("<vCard xmlns='vcard-temp'/>", "get", to=of)
    return (answer.findtext(".//{vcard-temp}BINVAL") or "").encode()


def metadata(peer: Peer, of: str) -> list[str | None]:
    """The ids of the avatars that somebody's node names."""
    inner = f"<items node='{AVATAR}:metadata'/>"
    answer = peer.ask(f"<pubsub xmlns='{PUBSUB}'>{inner}</pubsub>", "get", to=of)
    return [each.get("id") for each in answer.iter(f"{{{AVATAR}:metadata}}info")]


def features(peer: Peer, of: str) -> set[str | None]:
    answer: Element = peer.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", "get", to=of)
    return {each.get("var") for each in answer.iter(f"{{{ns.DISCO_INFO}}}feature")}


def soon(true: Callable[[], bool]) -> None:
    """Services find out of each other once a minute: that is longer than others wait."""
    until(true, within=120, every=0.3)


def test_0398_2_accounts_say_that_they_convert(juliet: Peer) -> None:
    soon(lambda: "urn:xmpp:pep-vcard-conversion:0" in features(juliet, f"juliet@{DOMAIN}"))


def test_0398_3_2_the_photo_of_a_vcard_is_published(juliet: Peer, romeo: Peer) -> None:
    image = b64encode(IMAGE).decode()
    card = f"<PHOTO><TYPE>image/png</TYPE><BINVAL>{image}</BINVAL></PHOTO>"
    assert juliet.ask(f"<vCard xmlns='vcard-temp'>{card}</vCard>", "set").get("type") == "result"
    soon(lambda: metadata(romeo, f"juliet@{DOMAIN}") == [HASH])


def test_0398_3_1_a_published_avatar_becomes_the_photo(juliet: Peer, romeo: Peer) -> None:
    other = png(filling=b"Romeo")
    hash_, image = hashlib.sha1(other).hexdigest(), b64encode(other)

    def published() -> bool:
        data = f"<data xmlns='{AVATAR}:data'>{image.decode()}</data>"
        publish(romeo, f"{AVATAR}:data", hash_, data)
        info = f"<info id='{hash_}' bytes='{len(other)}' type='image/png'/>"
        meta = f"<metadata xmlns='{AVATAR}:metadata'>{info}</metadata>"
        publish(romeo, f"{AVATAR}:metadata", hash_, meta)
        return photo(juliet, f"romeo@{DOMAIN}") == image

    soon(published)


VCARD4, NODE = "urn:ietf:params:xml:ns:vcard-4.0", "urn:xmpp:vcard4"


def vcard4(peer: Peer, of: str) -> dict[str, str]:
    """What the vCard4 in somebody's PEP says, by property."""
    inner = f"<items node='{NODE}'/>"
    answer = peer.ask(f"<pubsub xmlns='{PUBSUB}'>{inner}</pubsub>", "get", to=of)
    found = answer.find(f".//{{{VCARD4}}}vcard")
    return {each.tag.rpartition("}")[2]: "".join(each.itertext()) for each in found or ()}


def formatted(peer: Peer, of: str) -> str | None:
    answer = peer.ask("<vCard xmlns='vcard-temp'/>", "get", to=of)
    return answer.findtext(".//{vcard-temp}FN")


def test_0292_4_what_is_set_as_a_vcard_is_in_pep_and_what_is_published_there_in_the_vcard(
    juliet: Peer, romeo: Peer
) -> None:
    his = f"romeo@{DOMAIN}"
    card = "<FN>Romeo</FN><NICKNAME>Romy</NICKNAME><MAILER>quill</MAILER><CLASS><PUBLIC/></CLASS>"
    assert romeo.ask(f"<vCard xmlns='vcard-temp'>{card}</vCard>", "set").get("type") == "result"
    soon(lambda: vcard4(juliet, his) == {"fn": "Romeo", "nickname": "Romy"})
    inner = "<fn><text>R. Montague</text></fn><gender><sex>M</sex></gender>"

    def published() -> bool:
        publish(romeo, NODE, "current", f"<vcard xmlns='{VCARD4}'>{inner}</vcard>")
        return formatted(juliet, his) == "R. Montague"

    soon(published)
    asked = "<field var='fn'><value>r. montague</value></field>"
    query = f"<x xmlns='jabber:x:data' type='submit'>{asked}</x>"
    query = f"<query xmlns='jabber:iq:search'>{query}</query>"
    found = juliet.ask(query, "set", to=f"vcard.{DOMAIN}")
    assert his in "".join(found.itertext())
    assert romeo.ask(f"<vCard xmlns='vcard-temp'>{card}</vCard>", "set").get("type") == "result"
    soon(lambda: vcard4(juliet, his) == {"fn": "Romeo", "nickname": "Romy", "gender": "M"})


def test_0292_8_a_vcard4_that_is_for_friends_from_now_on_or_deleted_is_nobody_elses(
    juliet: Peer, romeo: Peer
) -> None:
    his = f"romeo@{DOMAIN}"
    card = "<vCard xmlns='vcard-temp'><FN>Romeo</FN></vCard>"
    assert romeo.ask(card, "set").get("type") == "result"
    soon(lambda: vcard4(juliet, his).get("fn") == "Romeo")

    def own(inner: str) -> None:
        answer = romeo.ask(f"<pubsub xmlns='{PUBSUB}#owner'>{inner}</pubsub>", "set")
        assert answer.get("type") == "result"

    for access, name in (("presence", None), ("open", "Romeo")):
        form = (
            "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
            f"<value>{PUBSUB}#node_config</value></field>"
            f"<field var='pubsub#access_model'><value>{access}</value></field></x>"
        )
        own(f"<configure node='{NODE}'>{form}</configure>")
        soon(lambda name=name: formatted(juliet, his) == name)
        assert vcard4(romeo, his)["fn"] == "Romeo"
    own(f"<delete node='{NODE}'/>")
    soon(lambda: formatted(juliet, his) is None)
