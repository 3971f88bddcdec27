"""An occupant: a nick in a room, and the sessions of the one user who has it (XEP-0045 §7.2.8)."""

from __future__ import annotations

import re
import unicodedata

from components.common.build import attribute
from components.muc.model.ranks import Affiliation, Role
from components.muc.names import MUC_USER, OCCUPANT_ID
from xmppd.jid import JID

_UNSEEN = re.compile("[\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0]")
"""Letters and symbols in which there is nothing to see: fillers of Hangul, vowels that are inherent
in Khmer, a braille pattern without dots. Resourceprep takes out the others that there are."""


def likeness(nick: str) -> str:
    """What two nicks share that people could take for each other: letter case and width aside.

    "" for one in which there is nothing to see. Nicks are Resourceprep's already (§17.1), which
    keeps case.
    """
    seen = _UNSEEN.sub(" ", unicodedata.normalize("NFKC", nick))
    return " ".join(seen.casefold().split())


class Occupant:
    """Who is in a room under a nick.

    `address` is the occupant JID, `account` the user's bare JID, `id` the occupant's identifier
    (XEP-0421), ready for an attribute. `sessions` are the full JIDs that are in the room under
    the nick, each with the content of its presence; the latest to have sent some stands last, and
    is what others see.
    """

    __slots__ = (
        "_shown",
        "account",
        "address",
        "affiliation",
        "id",
        "likeness",
        "nick",
        "role",
        "sessions",
    )

    def __init__(
        self, address: JID, account: JID, id_: str, role: Role, affiliation: Affiliation
    ) -> None:
        self.account = account
        self.id = id_
        self.role = role
        self.affiliation = affiliation
        self.sessions: dict[JID, bytes] = {}
        self._shown: tuple[bool, bytes] | None = None
        self.rename(address)

    def rename(self, address: JID) -> None:
        """Have another nick."""
        self.address = address
        self.nick = address.resource
        self.likeness = likeness(self.nick)
        self._shown = None

    def put(self, session: JID, presence: bytes) -> None:
        """A session sends presence; it may be a new one."""
        self.sessions.pop(session, None)
        self.sessions[session] = presence
        self._shown = None

    def drop(self, session: JID) -> None:
        """A session leaves."""
        del self.sessions[session]
        self._shown = None

    def rank(self, role: Role, affiliation: Affiliation) -> None:
        """Have another role or affiliation."""
        self.role, self.affiliation = role, affiliation
        self._shown = None

    @property
    def session(self) -> JID:
        """The session that others see."""
        return next(reversed(self.sessions))

    @property
    def presence(self) -> bytes:
        """The content of the presence that others see."""
        return self.sessions[self.session]

    def shown(self, *, real: bool) -> bytes:
        """The content of the presence that others get, with his full JID where it is `real`.

        It is kept as it was asked for last until something of it changes: newcomers get that of
        everybody.
        """
        if self._shown is None or self._shown[0] is not real:
            self._shown = real, self.telling(self.presence, real=real)
        return self._shown[1]

    def telling(
        self,
        presence: bytes,
        *codes: int,
        real: bool,
        role: Role | None = None,
        nick: str = "",
        inside: bytes = b"",
        behind: bytes = b"",
        jid: JID | None = None,
    ) -> bytes:
        """`presence` with what the room itself says of him (§7.2.2): the one place that does.

        `role` is another one than he has, NONE as he leaves (§7.14); `nick` the one that he takes
        (§7.6); `inside` stands in the item, `behind` at the end of `<x/>`; `jid` is the session
        meant where it is not the one that others see.
        """
        item = f"<item affiliation='{self.affiliation.text}'"
        if real:
            item += f" jid='{attribute(jid or self.session)}'"
        if nick:
            item += f" nick='{attribute(nick)}'"
        item += f" role='{(self.role if role is None else role).text}'"
        statuses = "".join([f"<status code='{code}'/>" for code in sorted(codes)])
        return b"%b<x xmlns='%b'>%b%b%b</x><occupant-id xmlns='%b' id='%b'/>" % (
            presence,
            MUC_USER.encode(),
            b"%b>%b</item>" % (item.encode(), inside) if inside else item.encode() + b"/>",
            statuses.encode(),
            behind,
            OCCUPANT_ID.encode(),
            self.id.encode(),
        )
