"""Entity Capabilities (XEP-0115): slixmpp's hashes, and its answers, as the server takes them.

Whether the server knows a hash shows by its asking for it, or not, when the next client names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from slixmpp import Iq

from tests.e2e.verona import VERONA, Server, running
from tests.support.clients import Client, soon
from tests.support.server import PASSWORD

JULIET, ROMEO, NURSE = (f"{name}@{VERONA}" for name in ("juliet", "romeo", "nurse"))
PLUGINS = ("xep_0030", "xep_0115", "xep_0199")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory: Path = tmp_path_factory.mktemp("verona")
    with running(directory, {}, (JULIET, ROMEO, NURSE)) as server:
        yield server


class Person(Client):
    """A client of a kind: `feature` is what its hash has and others' have not.

    `asked` are the capabilities nodes that its server has asked it for, in the account's name.
    """

    def __init__(self, jid: str, server: Server, feature: str) -> None:
        super().__init__(jid, PASSWORD, server, plugins=PLUGINS)
        self.asked: list[str] = []
        self.plugin["xep_0030"].add_feature(feature)
        self.add_filter("in", self._look)

    def _look(self, stanza: Any) -> Any:
        if (
            isinstance(stanza, Iq)
            and stanza["type"] == "get"
            and stanza.xml.find("{http://jabber.org/protocol/disco#info}query") is not None
            and stanza["from"] == self.boundjid.bare
        ):
            self.asked.append(stanza["disco_info"]["node"])
        return stanza

    async def compute(self) -> str:
        """Have slixmpp compute the hash that its presence names; the node it stands for."""
        await soon(self.plugin["xep_0115"].update_caps(broadcast=False))
        ver = await soon(self.plugin["xep_0115"].get_verstring())
        return f"{self.plugin['xep_0115'].caps_node}#{ver}"

    async def appear(self) -> None:
        """Be available; what the server asks because of it has come, and is answered, then."""
        self.send_presence()
        for _ in range(2):  # an answer to the first may be on its way behind the second
            await soon(self.plugin["xep_0199"].send_ping(VERONA))


async def test_5_4_one_client_of_a_kind_is_asked_and_its_answer_holds_for_the_next(
    server: Server,
) -> None:
    kind = "urn:example:one+notify"
    async with (
        Person(f"{JULIET}/balcony", server, kind) as juliet,
        Person(f"{ROMEO}/orchard", server, kind) as romeo,
        Person(f"{NURSE}/kitchen", server, "urn:example:other") as nurse,
    ):
        node = await juliet.compute()
        assert await romeo.compute() == node
        other = await nurse.compute()
        for person in (juliet, romeo, nurse):
            await person.appear()
        assert (juliet.asked, romeo.asked, nurse.asked) == ([node], [], [other])
    async with Person(f"{ROMEO}/again", server, kind) as romeo:
        await romeo.compute()
        await romeo.appear()
        assert romeo.asked == [], "it is remembered when they have all gone (§8.2)"


async def test_5_4_3_9_who_lies_counts_for_nothing_and_the_next_of_the_kind_is_asked(
    server: Server,
) -> None:
    kind = "urn:example:two+notify"
    async with (
        Person(f"{ROMEO}/orchard", server, kind) as liar,
        Person(f"{JULIET}/balcony", server, kind) as juliet,
        Person(f"{NURSE}/kitchen", server, kind) as nurse,
    ):
        node = await liar.compute()
        await liar.plugin["xep_0030"].del_feature(node=node, feature=kind)
        await liar.appear()
        assert liar.asked == [node]
        for person in (juliet, nurse):
            assert await person.compute() == node
            await person.appear()
        assert (juliet.asked, nurse.asked) == ([node], [])
