"""What one person sees of a chatroom, made of nothing but the stanzas that have come to him.

Each of them has to be true of the room as the model has it (`tests.support.muc_model`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from tests.support.conference import U, codes
from tests.support.muc_model import Room
from tests.support.muc_values import account_of
from tests.support.people import C
from tests.support.server import DOMAIN
from xmppd import ns

_X = f"{U}x"
_DELAY = f"{{{ns.DELAY}}}delay"


@dataclass
class View:
    """What one session sees of the room."""

    session: str
    room: str
    seen: dict[str, tuple[str, str, str, str | None]] = field(default_factory=dict)
    """Role, affiliation, availability and real JID, by nick."""
    own: str = ""
    """Its own nick, "" while it is not in the room."""
    heard: list[tuple[object, ...]] = field(default_factory=list)
    """The messages that have come in this step."""
    order: list[str] = field(default_factory=list)
    """What has come in this step, in short."""

    def enter(self) -> None:
        """Know nothing but one's own nick any more, as who enters."""
        self.seen = {nick: known for nick, known in self.seen.items() if nick == self.own}

    def forget(self) -> None:
        """Not be in the room any more."""
        self.seen.clear()
        self.own = ""

    def take(self, stanza: Element, room: Room) -> None:
        """See what has come, which has to be true of the room as it is now."""
        address, _, nick = stanza.get("from", "").partition("/")
        assert address == self.room, f"a stanza from {address}"
        if stanza.tag == f"{C}message":
            self._hear(stanza, nick, room)
        elif stanza.get("type") == "unavailable":
            self._miss(stanza, nick, room)
        else:
            assert stanza.tag == f"{C}presence" and stanza.get("type") is None, stanza.attrib
            self._see(stanza, nick, room)

    def check_order(self) -> None:
        """§7.1, of who has entered: the others, oneself, the history, the subject."""
        ranks = {"other": 0, "own": 1, "history": 2, "subject": 3}
        order = [ranks[each] for each in self.order if each in ranks]
        assert order == sorted(order), f"§7.1: {self.order}"
        assert order.count(1) == order.count(3) == 1

    def _see(self, stanza: Element, nick: str, room: Room) -> None:
        item, said = _item(stanza), codes(stanza)
        occupant = room.named(nick)
        # Who is removed by the same step may have come into sight before.
        assert occupant or nick in room.told.gone, f"presence of {nick}, who is not there"
        own = occupant is not None and self.session in occupant.sessions
        assert (110 in said) == own, f"{said} is wrong of {nick} (§7.2.2)"
        if own:
            self.own = nick
            assert frozenset(said) in ({110}, room.told.entering), f"{said} in own presence"
        else:
            assert not said, f"{said} of {nick}"
        self.order.append("own" if own else "other")
        show = stanza.findtext(f"{C}show", "")
        self.seen[nick] = (item["role"], item["affiliation"], show, self._jid(item, own, room))

    def _miss(self, stanza: Element, nick: str, room: Room) -> None:
        item, said = _item(stanza), set(codes(stanza))
        told = room.told
        assert nick in told.gone, f"{nick} is said to be gone"
        own = self.own == nick
        assert (110 in said) == own, f"{said} is wrong of {nick} (§7.14)"
        known = {told.gone[nick]} | ({frozenset()} if nick in told.hidden and not own else set())
        assert frozenset(said - {110}) in known, f"{said} of {nick}, who goes"
        if 303 in said:
            assert item["nick"] == told.renamed[nick], "the new nick (§7.6)"
        else:
            assert item["role"] == "none", "the role of who goes (§7.14)"
        assert (stanza.find(f"{_X}/{U}destroy") is not None) == told.destroyed, "§10.9"
        self._jid(item, own, room)
        if own and 303 not in said:
            self.forget()
        else:
            assert nick in self.seen, f"{nick} goes, of whom nothing was known"
            del self.seen[nick]

    def _jid(self, item: dict[str, str], own: bool, room: Room) -> str | None:
        """The address in an item; who may not know it has not got it (§7.2.3, §7.2.4)."""
        viewer = room.occupant(self.session)
        jid = item.get("jid")
        if viewer is not None and not own:
            assert (jid is not None) == room.sees_addresses(viewer), f"{jid} is told"
        return None if jid is None else jid.replace(f"@{DOMAIN}", "")

    def _hear(self, stanza: Element, nick: str, room: Room) -> None:
        body, subject = stanza.findtext(f"{C}body"), stanza.findtext(f"{C}subject")
        delay = stanza.find(_DELAY)
        if delay is not None:
            assert delay.get("from") == self.room, "§7.2.13"
        type_, x = stanza.get("type", "normal"), stanza.find(_X)
        if type_ == "groupchat" and body is not None:
            assert stanza.get("id") == body, "the id of a message changes (§7.4)"
            self.heard.append(("groupchat" if delay is None else "history", nick, body))
        elif type_ == "groupchat" and subject is not None:
            self.heard.append(("subject", nick, subject))
        elif type_ == "groupchat":
            assert not nick, "only the room says so (§10.2.1)"
            self.heard.append(("status", *sorted(codes(stanza))))
        elif nick:
            assert x is not None, "a private message is marked (§7.5)"
            self.heard.append(("private", nick, body))
        else:
            self._read(stanza, room)
            return
        self.order.append(str(self.heard[-1][0]))

    def _read(self, stanza: Element, room: Room) -> None:
        """A letter about who is not in the room: to himself (§18.1), or to others (§10.3)."""
        item = stanza.find(f"{_X}/{U}item")
        if item is None:
            assert account_of(self.session) in room.told.letters, "an unasked letter"
            return
        about = item.get("jid", "").removesuffix(f"@{DOMAIN}")
        assert about in room.told.letters, f"a letter about {about}"
        assert item.get("affiliation") == room.affiliation(about)
        viewer = room.occupant(self.session)
        assert viewer is not None and room.sees_addresses(viewer), f"the address of {about} is told"


def _item(stanza: Element) -> dict[str, str]:
    """The item, of which each presence of a room has one (§17.3)."""
    [x] = stanza.findall(_X)
    [item] = x.findall(f"{U}item")
    assert {"role", "affiliation"} <= item.attrib.keys()
    return dict(item.attrib)
