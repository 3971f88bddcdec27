"""What the server itself answers, asked by slixmpp's plugins."""

import base64
import time
from datetime import datetime

import pytest
from slixmpp.exceptions import IqError

from tests.e2e.verona import MANTUA, VERONA, Server
from tests.support.clients import Client, LoginFailed, soon
from tests.support.peers import PATIENCE, Peer
from tests.support.server import PASSWORD

JULIET = f"juliet@{VERONA}"
CAPS = "{http://jabber.org/protocol/caps}c"


async def test_ping_is_answered(verona: Server) -> None:
    """XEP-0199 §4.2."""
    async with Client(JULIET, PASSWORD, verona, plugins=("xep_0199",)) as juliet:
        assert await soon(juliet.plugin["xep_0199"].ping(VERONA)) >= 0


async def test_disco_says_what_the_server_is(verona: Server) -> None:
    """XEP-0030 §3.1."""
    async with Client(JULIET, PASSWORD, verona, plugins=("xep_0030",)) as juliet:
        info = (await soon(juliet.plugin["xep_0030"].get_info(VERONA)))["disco_info"]
        assert ("server", "im") in {(kind, type_) for kind, type_, *_ in info["identities"]}
        assert {"http://jabber.org/protocol/disco#info", "urn:xmpp:ping"} <= set(info["features"])
        items = await soon(juliet.plugin["xep_0030"].get_items(VERONA))
        assert items["type"] == "result"


async def test_entity_capabilities_are_the_hash_of_what_disco_says(verona: Server) -> None:
    """XEP-0115 §5.1 and §6.3: the hash in the stream features, checked by slixmpp's."""
    with Peer(verona.c2s, VERONA) as nurse:
        nurse.open()
        nurse.authenticate("nurse", PASSWORD)
        offered = nurse.open().find(CAPS)
    assert offered is not None
    plugins = ("xep_0030", "xep_0115", "xep_0128")
    async with Client(JULIET, PASSWORD, verona, plugins=plugins) as juliet:
        node = f"{offered.get('node')}#{offered.get('ver')}"
        answer = await soon(juliet.plugin["xep_0030"].get_info(VERONA, node=node))
        info = answer["disco_info"]
        info["node"] = ""
        expected = juliet.plugin["xep_0115"].generate_verstring(info, "sha-1")
        assert offered.get("ver") == expected
        assert len(base64.b64decode(offered.get("ver", ""))) == 20


async def test_version_names_the_software(verona: Server) -> None:
    """XEP-0092."""
    async with Client(JULIET, PASSWORD, verona, plugins=("xep_0092",)) as juliet:
        answer = await soon(juliet.plugin["xep_0092"].get_version(VERONA))
        assert answer["software_version"]["name"] == "xmppd"
        assert answer["software_version"]["version"]


async def test_time_is_the_time(verona: Server) -> None:
    """XEP-0202."""
    async with Client(JULIET, PASSWORD, verona, plugins=("xep_0202",)) as juliet:
        answer = await soon(juliet.plugin["xep_0202"].get_entity_time(VERONA))
        told = datetime.fromisoformat(answer.xml.findtext(".//{urn:xmpp:time}utc"))
        assert abs(told.timestamp() - time.time()) < PATIENCE


async def test_last_activity_of_the_server_is_its_uptime(verona: Server) -> None:
    """XEP-0012 §5."""
    async with Client(JULIET, PASSWORD, verona, plugins=("xep_0012",)) as juliet:
        answer = await soon(juliet.plugin["xep_0012"].get_last_activity(VERONA))
        assert 0 <= answer["last_activity"]["seconds"] < 3600


async def test_unknown_request_is_an_error_and_no_silence(verona: Server) -> None:
    """RFC 6120 §8.2.3."""
    async with Client(JULIET, PASSWORD, verona, plugins=("xep_0050",)) as juliet:
        request = juliet.make_iq_get(queryxmlns="urn:montague:feud", ito=VERONA)
        with pytest.raises(IqError) as refused:
            await soon(request.send())
        assert refused.value.condition == "service-unavailable"


def register(client: Client, name: str, password: str) -> None:
    """Have slixmpp register before it logs in."""

    async def answer(form: object) -> None:
        request = client.make_iq_set()
        request["register"]["username"] = name
        request["register"]["password"] = password
        await soon(request.send())

    client.add_event_handler("register", answer)


async def turned_away(client: Client) -> None:
    """Expect the wrong password to be refused."""
    with pytest.raises(LoginFailed) as failed:
        async with client:
            pass
    assert "not-authorized" in failed.value.args


async def test_newcomer_registers_changes_the_password_and_leaves(verona: Server) -> None:
    """XEP-0077 §3.1, §3.2, §3.3."""
    paris = f"paris@{MANTUA}"
    newcomer = Client(paris, "county palatine", verona, plugins=("xep_0077",))
    register(newcomer, "paris", "county palatine")
    async with newcomer:
        assert newcomer.boundjid.bare == paris
        await soon(newcomer.plugin["xep_0077"].change_password("sweet flower", MANTUA))
    await turned_away(Client(paris, "county palatine", verona, mechanism="SCRAM-SHA-256"))
    async with Client(paris, "sweet flower", verona, plugins=("xep_0077",)) as again:
        await soon(again.plugin["xep_0077"].cancel_registration(MANTUA))
        await soon(again.gone)
    await turned_away(Client(paris, "sweet flower", verona, mechanism="SCRAM-SHA-256"))
