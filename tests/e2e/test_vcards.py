"""`twistd xmppd-vcard` at `twistd xmppd`, over TCP and over TLS, and slixmpp's clients of both."""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from slixmpp import Iq, register_stanza_plugin
from slixmpp.exceptions import IqError
from slixmpp.plugins.xep_0292.stanza import VCard4

from tests.e2e.verona import VERONA, Server, running
from tests.support.clients import soon
from tests.support.company import Person, befriend, settled, there
from tests.support.faces import photos
from tests.support.peers import Peer
from tests.support.process import BIN, RunningProcess
from tests.support.server import PASSWORD, condition
from tests.support.vcards import png

JULIET, ROMEO = (f"{name}@{VERONA}" for name in ("juliet", "romeo"))
BALCONY, ORCHARD = f"{JULIET}/balcony", f"{ROMEO}/orchard"
SERVICE = f"vcard.{VERONA}"
SECRET = "what's in a name"
ABROAD = "127.0.0.2"
"""Where the server listens for components with TLS, as if they were on another host."""
TABLE = f'components."{SERVICE}"'
TABLES: dict[str, dict[str, Any]] = {
    "listen": {
        "c2s": ["tcp:0:interface=127.0.0.1"],
        "c2s_tls": ["tcp:0:interface=127.0.0.1"],
        "component": ["tcp:0:interface=127.0.0.1"],
        "component_tls": [f"tcp:0:interface={ABROAD}"],
    },
    TABLE: {"secret": SECRET},
    f"{TABLE}.delegation": {"vcard-temp": [], '"urn:ietf:params:xml:ns:vcard-4.0"': []},
}
FILE = f"""\
[component]
domain = "{SERVICE}"
secret = "{SECRET}"
data = "vcards"
[core]
server = "{VERONA}"
endpoint = '%s'
"""
IMAGE = png(filling=b"Juliet")
HASH = hashlib.sha1(IMAGE).hexdigest()

register_stanza_plugin(Iq, VCard4)


class Hall:
    """A server (`Reachable` by clients), and the component that has its vCards.

    The component has a file and a directory of its own; `carrier` is "tcp" or "tls".
    """

    def __init__(self, server: Server, directory: Path, carrier: str) -> None:
        self.server = server
        self.directory = directory
        self.carrier = carrier
        self.authority = server.authority
        self.start()

    def start(self) -> None:
        """Start the component, for the ports that the server has now."""
        path = self.directory / "vcard.toml"
        path.write_text(FILE % self._endpoint())
        command = [str(BIN / "twistd"), "-n", "--pidfile=", "xmppd-vcard", "-c", str(path)]
        self.component = RunningProcess(command, self.directory)
        self.component.wait_for(f"{SERVICE} is connected")

    def _endpoint(self) -> str:
        ports = self.server.process.ports
        if self.carrier == "tcp":
            return f"tcp:127.0.0.1:{ports['component']}"
        port = ports["component_tls"]
        self.server.issuer.write(self.directory / "authority.pem")
        return f"tls:{VERONA}:{port}:trustRoots={self.directory}:endpoint=tcp\\:{ABROAD}\\:{port}"

    @property
    def c2s(self) -> int:
        return self.server.c2s

    @property
    def c2s_tls(self) -> int:
        return self.server.c2s_tls


@contextmanager
def hall(directory: Path, carrier: str) -> Iterator[Hall]:
    own = directory / "component"
    own.mkdir()
    with running(directory, TABLES, (JULIET, ROMEO)) as server:
        made = Hall(server, own, carrier)
        try:
            yield made
        finally:
            status = made.component.stop()
    assert status == 0, made.component.output


@pytest.fixture(scope="module", params=["tcp", "tls"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Hall]:
    """One whose people are friends; tests leave no vCards."""
    with hall(tmp_path_factory.mktemp("vcards"), request.param) as made:
        asyncio.run(_befriended(made))
        yield made


async def _befriended(made: Hall) -> None:
    async with there(made, BALCONY, ORCHARD) as (juliet, romeo):
        await befriend(juliet, romeo)


@pytest.fixture
def verona(shared: Hall) -> Iterator[Hall]:
    yield shared
    asyncio.run(_erased(shared))


async def _erased(made: Hall) -> None:
    for jid in (JULIET, ROMEO):
        async with client(jid, made) as one:
            await soon(one.plugin["xep_0054"].publish_vcard(one.plugin["xep_0054"].make_vcard()))


def client(jid: str, made: Hall, *more: str) -> Person:
    return Person(jid, made, "xep_0054", *more)


async def publish(one: Person, image: bytes = b"", **fields: str) -> None:
    """Have a vCard in place of the one that is there."""
    vcard = one.plugin["xep_0054"].make_vcard()
    for field, text in fields.items():
        vcard[field] = text
    if image:
        vcard["PHOTO"]["TYPE"] = "image/png"
        vcard["PHOTO"]["BINVAL"] = image
    await soon(one.plugin["xep_0054"].publish_vcard(vcard))


async def vcard_of(one: Person, jid: str | None = None) -> Any:
    answer = await soon(one.plugin["xep_0054"].get_vcard(jid, cached=False, local=False))
    return answer["vcard_temp"]


async def refused(awaitable: Any) -> str:
    with pytest.raises(IqError) as caught:
        await soon(awaitable)
    return str(caught.value.condition)


# ---------------------------------------------------------------------- XEP-0054


async def test_0054_what_one_sets_everybody_gets_though_he_is_away(verona: Hall) -> None:
    async with client(JULIET, verona) as juliet:
        await publish(juliet, IMAGE, FN="Juliet Capulet")
        assert (await vcard_of(juliet))["FN"] == "Juliet Capulet"
    async with client(ROMEO, verona) as romeo:
        hers = await vcard_of(romeo, JULIET)
        assert (hers["FN"], hers["PHOTO"]["BINVAL"]) == ("Juliet Capulet", IMAGE)


async def test_0054_who_has_none_and_who_is_nobody_are_the_same_to_others(verona: Hall) -> None:
    async with client(ROMEO, verona) as romeo:
        for jid in (JULIET, f"nobody@{VERONA}"):
            assert await refused(vcard_of(romeo, jid)) == "service-unavailable"
        assert (await vcard_of(romeo))["FN"] == ""


async def test_0054_nobody_sets_another_ones(verona: Hall) -> None:
    async with client(ROMEO, verona) as romeo:
        request = romeo.make_iq_set(ito=JULIET)
        request["vcard_temp"]["FN"] = "Rosaline"
        assert await refused(request.send()) == "forbidden"
        assert await refused(vcard_of(romeo, JULIET)) == "service-unavailable"


async def test_0054_the_server_and_its_accounts_say_so(verona: Hall) -> None:
    async with client(JULIET, verona, "xep_0030") as juliet:
        for jid in (VERONA, JULIET, SERVICE):
            info = await soon(juliet.plugin["xep_0030"].get_info(jid, local=False))
            assert "vcard-temp" in info["disco_info"]["features"], jid


async def test_0054_what_is_too_large_is_refused(verona: Hall) -> None:
    async with client(JULIET, verona) as juliet:
        await publish(juliet, png(filling=b"x" * 130_000))
        assert len((await vcard_of(juliet))["PHOTO"]["BINVAL"]) > 130_000
    large = b64encode(png(filling=b"x" * 140_000)).decode()
    with Peer(verona.c2s, VERONA) as peer:  # slixmpp has never heard of this error
        peer.log_in("juliet", PASSWORD, "balcony")
        answer = peer.ask(
            f"<vCard xmlns='vcard-temp'><PHOTO><BINVAL>{large}</BINVAL></PHOTO></vCard>", "set"
        )
        assert condition(answer) == "policy-violation"


# ---------------------------------------------------------------------- XEP-0153


async def test_0153_presence_names_the_photo_that_is_in_the_vcard(verona: Hall) -> None:
    async with client(BALCONY, verona) as juliet, client(ORCHARD, verona) as romeo:
        romeo.send_presence()
        await settled(romeo)
        romeo.told()
        juliet.send_presence()
        (first,) = await romeo.is_told(("available", BALCONY))
        assert photos([first]) in ([(BALCONY, None)], [(BALCONY, "")])
        await publish(juliet, IMAGE)
        assert photos(await romeo.is_told(("available", BALCONY))) == [(BALCONY, HASH)]
        juliet.send_presence(pshow="away")
        assert photos(await romeo.is_told(("available", BALCONY))) == [(BALCONY, HASH)]
        await publish(juliet, FN="Juliet")
        assert photos(await romeo.is_told(("available", BALCONY))) == [(BALCONY, "")]


async def test_0153_a_client_that_knows_it_gets_the_image_by_it(verona: Hall) -> None:
    async with client(JULIET, verona) as juliet, client(ROMEO, verona, "xep_0153") as romeo:
        updates: asyncio.Queue[Any] = asyncio.Queue()
        romeo.add_event_handler("vcard_avatar_update", updates.put_nowait)
        romeo.send_presence()
        juliet.send_presence()
        await publish(juliet, IMAGE)
        update = await soon(updates.get())
        while update["from"].bare != JULIET:
            update = await soon(updates.get())
        assert update["vcard_temp_update"]["photo"] == HASH
        hers = await vcard_of(romeo, JULIET)
        assert hashlib.sha1(hers["PHOTO"]["BINVAL"]).hexdigest() == HASH


# ---------------------------------------------------------------------- XEP-0055, 0059


def search(one: Person, **fields: str) -> Any:
    request = one.plugin["xep_0055"].make_search_iq(ito=SERVICE)
    for field, text in fields.items():
        request["search"]["form"].add_field(var=field, value=text)
    return request.send()


async def test_0055_who_says_that_he_is_public_is_found(verona: Hall) -> None:
    plugins = ("xep_0030", "xep_0055", "xep_0059")
    async with client(JULIET, verona) as juliet, client(ROMEO, verona, *plugins) as romeo:
        info = (await soon(romeo.plugin["xep_0030"].get_info(SERVICE)))["disco_info"]
        assert "jabber:iq:search" in info["features"]
        assert ("directory", "user") in {identity[:2] for identity in info["identities"]}
        await publish(juliet, FN="Juliet Capulet")
        found = (await soon(search(romeo, fn="Juliet*")))["search"]["form"]
        assert found["items"] == []
        vcard = juliet.plugin["xep_0054"].make_vcard()
        vcard["FN"] = "Juliet Capulet"
        vcard.append(fromstring("<CLASS xmlns='vcard-temp'><PUBLIC/></CLASS>"))
        await soon(juliet.plugin["xep_0054"].publish_vcard(vcard))
        found = (await soon(search(romeo, fn="Juliet*")))["search"]["form"]
        assert [(item["jid"], item["fn"]) for item in found["items"]] == [
            (JULIET, "Juliet Capulet")
        ]


# ---------------------------------------------------------------------- XEP-0292


async def test_0292_a_vcard4_is_of_the_same_store(verona: Hall) -> None:
    async with client(JULIET, verona) as juliet, client(ROMEO, verona) as romeo:
        request = juliet.make_iq_set()
        request["vcard"]["full_name"] = "Juliet Capulet"
        await soon(request.send())
        assert (await vcard_of(romeo, JULIET))["FN"] == "Juliet Capulet"
        request = romeo.make_iq_get(ito=JULIET)
        request.enable("vcard")
        assert (await soon(request.send()))["vcard"]["full_name"] == "Juliet Capulet"


# ---------------------------------------------------------------------- processes


async def test_nothing_is_lost_though_both_are_killed(tmp_path: Path) -> None:
    with hall(tmp_path, "tcp") as made:
        async with there(made, BALCONY, ORCHARD) as (juliet, romeo):
            await befriend(juliet, romeo)
        async with client(JULIET, made) as juliet:
            await publish(juliet, IMAGE, FN="Juliet Capulet")
        made.component.kill()
        made.server.process.kill()
        made.server.start()
        async with client(BALCONY, made) as juliet, client(ORCHARD, made) as romeo:
            romeo.send_presence()
            await settled(romeo)
            romeo.told()
            juliet.send_presence()
            assert photos(await romeo.is_told(("available", BALCONY))) == [(BALCONY, HASH)]
            assert await refused(vcard_of(romeo, JULIET)) == "service-unavailable", "at once"
            made.start()
            assert (await vcard_of(romeo, JULIET))["FN"] == "Juliet Capulet"


async def test_a_certificate_of_somebody_else_is_no_server(tmp_path: Path) -> None:
    """Its secret is for the server alone."""
    own = tmp_path / "component"
    own.mkdir()
    with running(tmp_path, TABLES, (JULIET,)) as server:
        server.issuer.write(own / "authority.pem")
        port = server.process.ports["component_tls"]
        endpoint = f"tls:mantua.example:{port}:trustRoots={own}:endpoint=tcp\\:{ABROAD}\\:{port}"
        (own / "vcard.toml").write_text(FILE % endpoint)
        command = [str(BIN / "twistd"), "-n", "--pidfile=", "xmppd-vcard", "-c"]
        component = RunningProcess([*command, str(own / "vcard.toml")], own)
        try:
            component.wait_for("Next attempt in")
        finally:
            component.stop()
        assert "is connected" not in component.output
