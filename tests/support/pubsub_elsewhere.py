"""Another server, as far as the first one sees: a component, and somebody at it."""

from __future__ import annotations

from tests.support.capabilities import Kind
from tests.support.components import Component
from tests.support.interests import MOOD, TUNE
from tests.support.pubsub import E, Globe
from xmppd import ns

MOON = "moon.capulet.lit"
DREAM = f"dream@{MOON}"
SKY = f"{DREAM}/sky"
KIND = Kind(ns.DISCO_INFO, f"{TUNE}+notify")
BOTH = Kind(ns.DISCO_INFO, f"{TUNE}+notify", f"{MOOD}+notify")
MINE = ""


class Moon:
    """Somebody elsewhere, and what he is told."""

    def __init__(self, globe: Globe) -> None:
        self.globe = globe
        self.line = Component(globe.server, MOON).open().prove()
        self._told: list[tuple[str, str, str, str]] = []

    def show(self, *accounts: str, kind: Kind = KIND, inner: str = "") -> None:
        """Have the contact show his presence, and say what his client can do."""
        for account in accounts:
            self.line.send(f"<presence from='{SKY}' to='{account}'>{inner}{kind.c}</presence>")
        self._settle(kind)

    def leave(self, *accounts: str) -> None:
        for account in accounts:
            self.line.send(f"<presence type='unavailable' from='{SKY}' to='{account}'/>")
        self._settle(KIND)

    def _settle(self, kind: Kind) -> None:
        self.globe.pump()
        for each in self.line.elements():
            query = each.find(f"{{{ns.DISCO_INFO}}}query")
            if query is not None and each.get("type") == "get":
                to, id_ = each.get("from"), each.get("id")
                self.line.send(
                    f"<iq type='result' id='{id_}' from='{SKY}' to='{to}'>{kind.info}</iq>"
                )
            for items in each.iterfind(f"{E}event/{E}items"):
                id_ = items[0].get("id", "")
                sender = each.get("from", "").partition("@")[0]
                self._told.append((sender, each.get("to", ""), items.get("node", ""), id_))
        self.globe.server.clock.advance(0)
        self.globe.pump()

    def told(self) -> list[tuple[str, str, str, str]]:
        """Who has told whom of which items since the last look."""
        self._settle(KIND)
        found, self._told = self._told, []
        return sorted(found)
