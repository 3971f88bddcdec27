"""The vCard component at xmppd, both in memory: `Faces().start()`, then clients ask."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from xml.etree.ElementTree import Element

from components.common.disco import Disco
from components.vcard.assembly import assemble
from components.vcard.config import VCardTable
from components.vcard.store import SCHEMA
from tests.support.deferred import result
from tests.support.meeting import VCARD, Meeting
from tests.support.pep import GRANTS, PUBSUB, Service
from tests.support.server import Client
from xmppd.storage.url import open_database

TEMP, VCARD4 = "vcard-temp", "urn:ietf:params:xml:ns:vcard-4.0"
UPDATE = f"{{{TEMP}:x:update}}x"
T = f"{{{TEMP}}}"
GET = f"<vCard xmlns='{TEMP}'/>"


class Faces(Meeting):
    """The component with a store in memory, at a server that delegates to it.

    `table` is its `[vcard]`; with `pep` there is a PEP service, which it may use; `grants` are
    further ones.
    """

    def __init__(
        self,
        *,
        pep: bool = False,
        others: Mapping[str, Mapping[str, Any]] | None = None,
        grants: Mapping[str, Any] | None = None,
        **table: Any,
    ) -> None:
        self.table = VCardTable(**table)
        granted: dict[str, Any] = {"delegation": {TEMP: (), VCARD4: ()}}
        known = dict(others or {})
        if pep:
            granted["iq"] = {"http://jabber.org/protocol/pubsub": "set"}
            known[PUBSUB] = GRANTS
        super().__init__(known, **{**granted, **(grants or {})})
        self.pep = Service(self.server, VCARD).log_in() if pep else None

    def introduced(self) -> Disco | None:  # type: ignore[override]
        clock = self.server.clock
        database = result(open_database("sqlite::memory:", SCHEMA, clock, Path()))
        self.vcards = assemble(self.component, database, self.table, clock.seconds)
        return None

    def pump(self) -> Self:
        super().pump()
        while self.pep is not None and self.pep.react():
            super().pump()
        return self

    # ------------------------------------------------------------------ clients

    def ask(self, client: Client, payload: str, type_: str = "get", to: str = "") -> Element:
        """The one answer to a client's request; what else has come is in `others`."""
        address = f" to='{to}'" if to else ""
        client.send(f"<iq type='{type_}' id='face'{address}>{payload}</iq>")
        self.pump()
        found = client.elements()
        answers = [each for each in found if each.get("id") == "face"]
        assert len(answers) == 1, f"{len(answers)} answers to {payload}"
        self.others = [each for each in found if each is not answers[0]]
        return answers[0]

    def set(self, client: Client, inner: str, to: str = "") -> Element:
        """Set a vCard."""
        return self.ask(client, f"<vCard xmlns='{TEMP}'>{inner}</vCard>", "set", to)

    def get(self, client: Client, to: str = "") -> Element:
        """Get a vCard."""
        return self.ask(client, GET, "get", to)

    def log_in(self, name: str, resource: str, presence: str = "") -> Client:
        """A client that has sent this, and read what came of it."""
        client = self.server.log_in(name, resource)
        if presence:
            client.send(presence)
            self.pump()
            client.take()
        return client


def be_away(faces: Faces) -> None:
    """Have the service of PEP go, whoever asks for it."""
    faces.pep.hang_up()
    faces.pep.react = lambda: False  # type: ignore[method-assign]


def come_back(faces: Faces) -> None:
    """Have it come back, with the nodes that it had."""
    nodes = faces.pep.nodes
    faces.pep = Service(faces.server, VCARD).log_in()
    faces.pep.nodes = nodes
    faces.pump()


def pass_time(faces: Faces, seconds: float, step: float = 10) -> None:
    """Let time pass, and what is due at each step be done."""
    for _ in range(int(seconds / step) + 1):
        faces.server.clock.advance(step)
        faces.pump()


def photos(elements: list[Element]) -> list[tuple[str | None, str | None]]:
    """Of presence, the photo that it names: "" for none, None where it says nothing; and whose."""
    return [(each.get("from"), _photo(each)) for each in elements if each.tag.endswith("}presence")]


def _photo(presence: Element) -> str | None:
    named = presence.findall(UPDATE)
    assert len(named) < 2, "one element at the most"
    return named[0].findtext(f"{UPDATE[:-1]}photo") if named else None
