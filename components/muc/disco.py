"""What the service and its rooms say of themselves (XEP-0045 §6)."""

from __future__ import annotations

from components.common.disco import Identity, Info
from components.common.stanza import Stanza
from components.muc.names import MUC, OCCUPANT_ID, STABLE_ID
from components.muc.room import Room
from components.muc.service import Service
from components.muc.settings import Settings
from xmppd import ns
from xmppd.errors import StanzaError


def features(settings: Settings) -> list[str]:
    """What a room's settings make of it (§16.3)."""
    return [
        "muc_passwordprotected" if settings.password else "muc_unsecured",
        "muc_public" if settings.public else "muc_hidden",
        "muc_persistent" if settings.persistent else "muc_temporary",
        "muc_membersonly" if settings.members_only else "muc_open",
        "muc_moderated" if settings.moderated else "muc_unmoderated",
        "muc_semianonymous" if settings.anonymous else "muc_nonanonymous",
    ]


def serve(service: Service) -> None:
    """Answer service discovery."""
    service.disco.add(MUC, STABLE_ID, OCCUPANT_ID, ns.STANZA_ID)
    service.iqs.to_room("get", f"{ns.DISCO_INFO} query", RoomDisco().info)


class RoomDisco:
    """Answers for rooms."""

    def info(self, stanza: Stanza, room: Room) -> object:
        """A room's identity and features (§6.4)."""
        node = stanza.payload.get("node", "")
        if node:
            raise StanzaError("feature-not-implemented", reason="stanza.node")
        identity = Identity("conference", "text", room.settings.name)
        known = [MUC, STABLE_ID, OCCUPANT_ID, ns.STANZA_ID, *features(room.settings)]
        return Info([identity], known).tag()
