"""A room's configuration as a value (XEP-0045 §10.1.3, §16.5.3, and what today's rooms add)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct, structs

from components.muc.model.ranks import Role

NAME, DESCRIPTION, PASSWORD, QUESTION, ANSWER = 200, 1_000, 500, 500, 200
"""Characters that they may have."""

RoleName = Literal["moderator", "participant", "visitor"]
AllowPM = Literal["anyone", "participants", "moderators", "none"]
Whois = Literal["anyone", "moderators"]


class Settings(Struct, frozen=True, omit_defaults=False):
    """What owners may change. The defaults are those of an instant room (§10.1.2).

    Sizes are in characters, `history` in messages. 0 for `max_occupants` is no limit of the room's
    own.
    """

    name: str = ""
    description: str = ""
    lang: str = ""
    persistent: bool = False
    public: bool = True
    members_only: bool = False
    moderated: bool = False
    password: str = ""
    max_occupants: int = 0
    whois: Whois = "moderators"
    """Who may see real JIDs: "anyone" makes the room non-anonymous (§4.2)."""
    change_subject: bool = False
    """Whether participants may change the subject, and not moderators alone (§8.1)."""
    invites: bool = False
    """Whether members of a members-only room may invite others, and not admins alone (§7.8.2)."""
    private_messages: AllowPM = "anyone"
    presence_broadcast: frozenset[RoleName] = frozenset({"moderator", "participant", "visitor"})
    """The roles whose presence is told to everybody (§7.2.2)."""
    member_list: frozenset[RoleName] = frozenset({"moderator", "participant", "visitor"})
    """Roles of those who may retrieve the member list; never in a semi-anonymous room (§5.2.1)."""
    public_list: bool = False
    """Whether anybody may ask who is in the room, without being in it (§6.5)."""
    visitor_nicks: bool = True
    """Whether visitors may change their nick (§5.1.1)."""
    visitor_status: bool = True
    """Whether visitors may change their availability (§5.1.1)."""
    voice_requests: bool = True
    """Whether visitors may ask for voice (§7.13)."""
    registration: Literal["off", "approved", "open"] = "approved"
    """Whether users may register, and whether an admin has a say in it (§7.10)."""
    reserved_nicks: bool = False
    """Whether who has registered a nick has to use it here (§7.10)."""
    history: int = 20
    """How many messages a newcomer gets at the most (§7.2.13)."""
    archive: bool = True
    """Whether messages can be asked for later (XEP-0313)."""
    logged: bool = False
    """Whether its discussions are logged to a public place: occupants are told (§7.2.12)."""
    logs: str = ""
    """Where that is."""
    pubsub: str = ""
    """The URI of a pubsub node that belongs to the room."""
    question: str = ""
    """What newcomers have to answer before they may enter, "" for nothing (XEP-0158)."""
    answer: str = ""

    @property
    def anonymous(self) -> bool:
        """Whether only moderators see real JIDs (§7.2.4)."""
        return self.whois != "anyone"

    def broadcasts(self, role: Role) -> bool:
        """Whether the presence of occupants of a role is told to all."""
        return role.text in self.presence_broadcast

    def change(self, **changes: Any) -> Settings:
        """The same but for `changes`."""
        return structs.replace(self, **changes)


DEFAULTS = Settings()


def stored(settings: Settings) -> Mapping[str, Any]:
    """Them as a JSON object."""
    built: dict[str, Any] = msgspec.to_builtins(settings)
    return built


def restored(kept: Mapping[str, Any], defaults: Settings = DEFAULTS) -> Settings:
    """Them from a JSON object; what it lacks is as in `defaults`, what is unknown is left out.

    So a room that an older or a newer version has configured opens all the same.
    """
    known: dict[str, Any] = msgspec.to_builtins(defaults)
    for field in structs.fields(Settings):
        if field.name in kept:
            try:
                msgspec.convert(kept[field.name], field.type)
            except msgspec.ValidationError:
                continue
            known[field.name] = kept[field.name]
    return msgspec.convert(known, Settings)
