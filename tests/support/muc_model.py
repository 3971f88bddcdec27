"""A chatroom as XEP-0045 describes it (§5, §7 to §10), and no more than that.

It is written from the text, and knows nothing of the component that it is held against. An
operation raises `Refused` with the conditions that the text allows, whichever comes first in
an implementation's order, or changes the room and leaves in `told` what people are to be told.
Where the text leaves something open, what xmppd does stands behind "open:".
"""

from __future__ import annotations

from dataclasses import replace

from tests.support.muc_values import (
    HISTORY,
    Occupant,
    Refused,
    Settings,
    Told,
    account_of,
    against,
    alike,
    default_role,
    level,
    rank,
)


class Room:
    """The room."""

    def __init__(self) -> None:
        self.told = Told()
        self._nothing()

    def _nothing(self) -> None:
        """There is no such room."""
        self.exists = False
        self.locked = False
        self.settings = Settings()
        self.affiliations: dict[str, str] = {}
        self.occupants: list[Occupant] = []
        self.history: list[tuple[str, str]] = []
        self.topic: tuple[str, str] | None = None
        self.voices: dict[str, tuple[str, str]] = {}
        """With which affiliation and role somebody has left, where he has another one to come."""

    # ------------------------------------------------------------------ who is who

    def affiliation(self, account: str) -> str:
        """What somebody is to the room."""
        return self.affiliations.get(account, "none")

    def occupant(self, session: str) -> Occupant | None:
        """Who is in it by a session."""
        return next((each for each in self.occupants if session in each.sessions), None)

    def named(self, nick: str) -> Occupant | None:
        """Who has a nick."""
        return next((each for each in self.occupants if each.nick == nick), None)

    def role(self, account: str) -> str:
        """The highest role that somebody has, by whichever session (§8)."""
        roles = [each.role for each in self.occupants if each.account == account]
        return max(roles, key=level, default="none")

    def sees_addresses(self, viewer: Occupant) -> bool:
        """Whether somebody sees the real JIDs of others (§7.2.3, §7.2.4)."""
        return not self.settings.anonymous or viewer.role == "moderator"

    def visible(self, session: str) -> dict[str, tuple[str, str, str, str | None]]:
        """Whom a session sees: role, affiliation, what he shows, and his address if it may."""
        seen: dict[str, tuple[str, str, str, str | None]] = {}
        if (viewer := self.occupant(session)) is None:
            return seen
        for each in self.occupants:
            if each is viewer or each.role in self.settings.broadcast:
                address = each.session if self.sees_addresses(viewer) else None
                affiliation = self.affiliation(each.account)
                seen[each.nick] = (each.role, affiliation, each.sessions[each.session], address)
        return seen

    def somebody(self, rank_: str) -> str:
        """A session, or the name, of somebody who has a role or an affiliation."""
        for each in self.occupants:
            if rank_ in (each.role, self.affiliation(each.account)):
                return each.session
        return next((name for name, each in self.affiliations.items() if each == rank_), "")

    def everybody(self) -> list[str]:
        """All sessions in the room."""
        return [session for each in self.occupants for session in each.sessions]

    # ------------------------------------------------------------------ coming (§7.2)

    def enter(self, who: str, nick: str, password: str = "") -> None:
        """Presence with `<x/>` (§7.2.1)."""
        if inside := self.occupant(who):
            self._again(inside, who, nick)
            return
        if not nick:
            raise Refused("jid-malformed")
        account = account_of(who)
        new = not self.exists
        if new:
            self.exists = self.locked = True
            self.affiliations = {account: "owner"}
        self._may_enter(account, nick, password)
        occupant = self.named(nick)
        if occupant is None:
            affiliation = self.affiliation(account)
            known, role = self.voices.get(account, ("", ""))
            if known != affiliation:
                role = default_role(affiliation, self.settings)
            occupant = Occupant(nick, account, role)
            self.occupants.append(occupant)
        occupant.show(who, "")
        self._welcome(who, {201} if new else set())

    def _may_enter(self, account: str, nick: str, password: str) -> None:
        affiliation = self.affiliation(account)
        reasons = set()
        if affiliation == "outcast":
            reasons.add("forbidden")  # §7.2.7
        if self.locked and affiliation != "owner":
            reasons.add("item-not-found")  # §7.2.10
        if self.settings.members_only and rank(affiliation) < rank("member"):
            reasons.add("registration-required")  # §7.2.6
        # §7.2.5; open: owners know it.
        if password != self.settings.password and self.settings.password and affiliation != "owner":
            reasons.add("not-authorized")
        if self._taken(account, nick):
            reasons.add("conflict")  # §7.2.8
        if reasons:
            raise Refused(*reasons)

    def _taken(self, account: str, nick: str) -> bool:
        """Whether a nick is another's; open: or looks like one, one's own as well (§7.2.8)."""
        return any(
            alike(each.nick, nick) and (each.account != account or each.nick != nick)
            for each in self.occupants
        )

    def _again(self, occupant: Occupant, who: str, nick: str) -> None:
        """Who is in it already wants everything once more (§17.3), perhaps by another nick."""
        if occupant.nick != nick:
            self.rename(who, nick)
        else:
            occupant.show(who, "")
        self._welcome(who, set())

    def _welcome(self, who: str, codes: set[int]) -> None:
        """Codes of the own presence, then the history, then the subject (§7.1)."""
        real = set() if self.settings.anonymous else {100}
        self.told.entering = frozenset(codes | real | {110})
        past = [("history", nick, body) for nick, body in self.history[-HISTORY:]]
        nick, text = self.topic or ("", "")
        self.told.heard[who] += [*past, ("subject", nick, text)]

    # ------------------------------------------------------------------ in it (§7.4 to §7.7)

    def rename(self, who: str, nick: str, show: str = "") -> None:
        """Presence to another nick, or to one's own (§7.6, §7.7)."""
        occupant = self.occupant(who)
        if occupant is None:
            raise Refused("turned away")  # §7.2.18
        if not nick:
            raise Refused("jid-malformed")
        if nick == occupant.nick:
            occupant.show(who, show)
            return
        parts = len(occupant.sessions) > 1
        others = [each for each in self.occupants if each is not occupant or parts]
        if any(alike(each.nick, nick) and each.account != occupant.account for each in others):
            raise Refused("conflict")
        if any(alike(each.nick, nick) and each.nick != nick for each in others):
            raise Refused("conflict")  # open: one's own nicks may not look alike either
        self.told.renamed[occupant.nick] = nick
        self.told.gone[occupant.nick] = frozenset({303})
        self._move(occupant, who, nick, show)

    def _move(self, occupant: Occupant, who: str, nick: str, show: str) -> None:
        """A session takes a nick; open: it alone, if others have the old one as well."""
        other = self.named(nick)
        if other is None and len(occupant.sessions) == 1:
            occupant.nick = nick
            occupant.show(who, show)
            return
        del occupant.sessions[who]
        if not occupant.sessions:
            self.occupants.remove(occupant)
        if other is None:
            other = Occupant(nick, occupant.account, occupant.role)
            self.occupants.append(other)
        other.show(who, show)

    def show(self, who: str, nick: str, show: str) -> None:
        """Presence to an occupant JID, without `<x/>` (§7.6, §7.7, §7.2.18)."""
        self.rename(who, nick, show)

    def say(self, who: str, body: str) -> None:
        """A message to everybody (§7.4)."""
        occupant = self._speaking(who)
        if occupant.role == "visitor":
            raise Refused("forbidden")
        self._all_hear(("groupchat", occupant.nick, body))
        self.history.append((occupant.nick, body))

    def subject(self, who: str, text: str) -> None:
        """Another subject (§8.1); open: never a visitor's to change."""
        occupant = self._speaking(who)
        least = "participant" if self.settings.change_subject else "moderator"
        if level(occupant.role) < level(least):
            raise Refused("forbidden")
        self._all_hear(("subject", occupant.nick, text))
        self.topic = (occupant.nick, text)

    def whisper(self, who: str, nick: str, body: str) -> None:
        """A private message (§7.5), to all sessions of an occupant."""
        occupant = self._speaking(who)
        reasons = set()
        other = self.named(nick)
        if other is None:
            reasons.add("item-not-found")
        lowest = {"anyone": 1, "participants": 2, "moderators": 3, "none": 4}
        if level(occupant.role) < lowest[self.settings.private_messages]:
            reasons.add("forbidden")
        if other is None or reasons:
            raise Refused(*reasons)
        for session in other.sessions:
            self.told.heard[session].append(("private", occupant.nick, body))

    def _all_hear(self, message: tuple[object, ...]) -> None:
        for session in self.everybody():
            self.told.heard[session].append(message)

    def _speaking(self, who: str) -> Occupant:
        """Who sends a message; §7.4, §7.5, §17.2 for who may not."""
        occupant = self.occupant(who)
        reasons = set()
        if not self.exists or self.locked:
            reasons.add("item-not-found")
        if self.exists and occupant is None:
            reasons.add("not-acceptable")
        if occupant is None or reasons:
            raise Refused(*reasons)
        return occupant

    # ------------------------------------------------------------------ going (§7.14)

    def leave(self, who: str) -> None:
        """Unavailable presence, or a lost connection; from who is not in it nothing (§17.3)."""
        occupant = self.occupant(who)
        if occupant is None:
            return
        self.told.gone[occupant.nick] = frozenset()
        del occupant.sessions[who]
        if not occupant.sessions:
            self._left(occupant)
        self._if_empty()

    def _if_empty(self) -> None:
        """§7.14 (note), §10.1.3: a room that is not persistent, or never was set up, is gone."""
        if not self.occupants and (self.locked or not self.settings.persistent):
            self.told.destroyed = self.locked
            self._nothing()

    def _left(self, occupant: Occupant) -> None:
        """§5.1: in a moderated room voice outlasts a visit; open: no more than voice."""
        self.occupants.remove(occupant)
        affiliation = self.affiliation(occupant.account)
        roles = default_role(affiliation, self.settings), occupant.role
        usual, role = (min(each, "participant", key=level) for each in roles)
        known = (affiliation, role) if self.settings.moderated and role != usual else ("", "")
        self.voices[occupant.account] = known

    def _remove(self, occupant: Occupant, code: int) -> None:
        self._left(occupant)
        self.told.gone[occupant.nick] = frozenset({code})

    # ------------------------------------------------------------------ roles (§8, §9.6, §9.7)

    def give_role(self, who: str, nick: str, role: str) -> None:
        """Kick, give or take voice or moderator status."""
        self._there()
        account = account_of(who)
        own, affiliation = self.role(account), self.affiliation(account)
        admin = rank(affiliation) >= rank("admin")  # open: in the room or not
        if own != "moderator" and not admin:
            raise Refused("forbidden")
        target = self.named(nick)
        if target is None:
            raise Refused("item-not-found")
        reasons = against(affiliation, target.role, self.affiliation(target.account), role)
        if reasons:
            raise Refused(*reasons)
        if role == "none":
            self._remove(target, 307)
            self._if_empty()
        else:
            self._rank(target, role)

    def _rank(self, occupant: Occupant, role: str) -> None:
        """Have another role, and be seen or not as others of that role."""
        seen = self.settings.broadcast
        if occupant.role in seen and role not in seen:
            self.told.gone[occupant.nick] = frozenset()
        occupant.role = role

    # ------------------------------------------------------------------ affiliations (§9, §10)

    def affiliate(self, who: str, account: str, affiliation: str) -> None:
        """Ban, or make a member, an admin, an owner, or nothing of these."""
        self._there()
        own, old = self.affiliation(account_of(who)), self.affiliation(account)
        if rank(own) < rank("admin"):
            raise Refused("forbidden")
        reasons = set()
        if affiliation == "outcast" and account == account_of(who):
            reasons.add("conflict")  # §9.1
        if own == "admin" and max(rank(old), rank(affiliation)) > rank("member"):
            # §9.1 for bans, §10.3 to §10.8 for all else.
            reasons.add("not-allowed" if affiliation == "outcast" else "forbidden")
        owners = [name for name, each in self.affiliations.items() if each == "owner"]
        if owners == [account] and affiliation != "owner":
            reasons.add("conflict")  # §10.4
        if reasons:
            raise Refused(*reasons)
        self._affiliated(account, old, affiliation)

    def _affiliated(self, account: str, old: str, new: str) -> None:
        if new == old:
            return
        self.affiliations[account] = new
        default = default_role(new, self.settings)
        here = [each for each in self.occupants if each.account == account]
        if not here:
            self.told.letters.add(account)
        for each in here:
            if default == "none":
                self._remove(each, 301 if new == "outcast" else 321)  # §9.1, §9.4
            elif rank(new) > rank(old):
                self._rank(each, max(each.role, default, key=level))
            else:  # §5.1.3 (note); open: no more than the new one brings
                self._rank(each, min(each.role, default, key=level))
        self._if_empty()

    # ------------------------------------------------------------------ owners (§10)

    def unlock(self, who: str) -> None:
        """Ask for an instant room (§10.1.2)."""
        self._owner(who)
        self.locked = False

    def configure(self, who: str, **changes: object) -> None:
        """Submit a configuration form (§10.2)."""
        self._owner(who)
        old = self.settings
        new = self.settings = replace(old, **changes)  # type: ignore[arg-type]
        self.locked = False
        codes = set()
        if new.anonymous != old.anonymous:
            codes.add(173 if new.anonymous else 172)  # §10.2.1
        if replace(new, anonymous=old.anonymous) != old:
            codes.add(104)
        if codes:
            self._all_hear(("status", *sorted(codes)))
        for each in self.occupants:
            if each.role in old.broadcast and each.role not in new.broadcast:
                self.told.gone[each.nick] = frozenset()
                self.told.hidden.add(each.nick)
        self._in_force(old)
        self._if_empty()

    def _in_force(self, old: Settings) -> None:
        new = self.settings
        if new.members_only and not old.members_only:
            for each in list(self.occupants):
                if rank(self.affiliation(each.account)) < rank("member"):
                    self._remove(each, 322)  # §10.2
        if new.moderated != old.moderated:
            self.voices.clear()
            for each in self.occupants:  # open: as they would enter, but for moderators
                if each.role != "moderator":
                    self._rank(each, default_role(self.affiliation(each.account), self.settings))

    def destroy(self, who: str) -> None:
        """Destroy the room (§10.9): each is told of himself alone."""
        self._owner(who)
        self.told.gone = {each.nick: frozenset() for each in self.occupants}
        self.told.destroyed = True
        self._nothing()

    def _owner(self, who: str) -> None:
        self._there()
        if self.affiliation(account_of(who)) != "owner":
            raise Refused("forbidden")

    def _there(self) -> None:
        if not self.exists:
            raise Refused("item-not-found")
