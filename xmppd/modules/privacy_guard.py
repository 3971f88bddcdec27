"""Privacy lists applied to every stanza (XEP-0016 §2.2, §2.14): nothing gets around them.

Whatever comes for a user, goes out from him, or is said in his name passes here before anybody
else acts on it. What comes for an account that is not in memory passes when that has been read.
The handlers of the data path are hooked in only while a list applies to any session.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from twisted.internet.defer import Deferred

from xmppd import ns
from xmppd.core import privacy, privacy_lists
from xmppd.core.context import ModuleContext
from xmppd.core.delivery import TABLE, Action, Target, message_type
from xmppd.core.hooks import Gate
from xmppd.core.host import Host
from xmppd.core.iq import On
from xmppd.core.messages import Worth, worth
from xmppd.core.privacy import PrivacyList
from xmppd.core.residents import Resident
from xmppd.core.sessions import Session
from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.wire import faults
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Stanza

XEP = (16, "1.7", "complete")

_BLOCKED = Tag("blocked", ns=ns.BLOCKING_ERRORS).render()


def register(context: ModuleContext) -> None:
    """Read the lists of every account, and stand at each way in and out."""
    host, hooks = context.host, context.hooks
    guard = Guard(host)
    context.keep(privacy_lists.LISTS, privacy_lists.loader(host.stores))
    guard.gates = (
        context.gate(hooks.client_stanza, Phase.GUARD, guard.sent, guard.concerned_out),
        context.gate(hooks.account_stanza, Phase.GUARD, guard.received, guard.concerned),
        context.gate(hooks.session_stanza, Phase.GUARD, guard.delivered, guard.concerned),
        context.gate(hooks.presence_out, Phase.GUARD, guard.shown),
    )
    context.hook(hooks.account_out, Phase.GUARD, guard.said, guard.concerned_out)
    context.hook(hooks.resident_stanza, Phase.GUARD, guard.kept)
    context.hook(hooks.account_request, Phase.GUARD, guard.asked)
    context.hook(hooks.session_bound, Phase.GUARD, lambda session: guard.note(session.resident))
    # Behind those who tell contacts that the session is gone: the gates are open for that.
    context.hook(
        hooks.session_unbound, Phase.FALLBACK, lambda session: guard.note(session.resident)
    )
    context.hook(hooks.privacy_changed, Phase.GUARD, guard.note)
    for session in host.directory:
        guard.note(session.resident)


class Guard:
    """Asks the lists of all accounts here."""

    gates: tuple[Gate, ...]
    """Of what stands in the data path: open while a list applies to any session."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._guarded: set[JID] = set()

    def note(self, resident: Resident) -> None:
        """Find out whether any list applies to a session of an account, and open the gates."""
        sessions = self._host.directory.of(resident.jid)
        if any(privacy_lists.applied(session) is not None for session in sessions):
            self._guarded.add(resident.jid)
        else:
            self._guarded.discard(resident.jid)
        for gate in self.gates:
            gate.open(bool(self._guarded))

    # ------------------------------------------------------------------ out

    def sent(self, stanza: Stanza, session: Session) -> Stanza | None:
        """What a client sends to whom it blocks comes back as an error (§2.14; XEP-0191 §3.3)."""
        to = stanza.to
        if session.account not in self._guarded or to is None or _exempt(session.account, to):
            return stanza
        listed = privacy_lists.applied(session)
        if _permits(listed, privacy.outbound(stanza), to, session.resident):
            return stanza
        blocked = listed is not None and listed.blocks(to)
        error = StanzaError(
            "not-acceptable",
            reason="privacy.outgoing",
            type="cancel",
            extra=_BLOCKED if blocked else b"",
        )
        self._host.refusals.note(error.reason, session.jid, to)
        if faults.answerable(stanza):
            # Not by way of the router: an error in the name of who is blocked would be blocked.
            session.deliver(faults.stanza_error(stanza, error))
        return None

    def shown(self, stanza: Stanza, session: Session) -> Stanza | None:
        """A session's presence, or a probe in its name, that the server sends (§2.11)."""
        to, listed = stanza.to, privacy_lists.applied(session)  # which may have ended by now
        if listed is None or to is None or _exempt(session.account, to):
            return stanza
        kind = privacy.outbound(stanza)
        return stanza if _permits(listed, kind, to, session.resident) else None

    def said(self, stanza: Stanza, resident: Resident) -> Stanza | None:
        """Presence that the server sends in the account's own name."""
        to = stanza.to
        if to is None or self._passes(resident, privacy.outbound(stanza), to):
            return stanza
        return None

    def concerned_out(self, stanza: Stanza, accounts: AbstractSet[JID]) -> AbstractSet[JID]:
        """Whom the lists of an account are asked about for what is said in its name: all or none.

        Of an account that is not in memory nobody knows whether it has any.
        """
        sender = stanza.sender
        resident = None if sender is None else self._host.residents.get(sender.bare)
        if resident is None or privacy_lists.has_any(resident):
            return accounts
        return frozenset()

    # ------------------------------------------------------------------ in

    def received(self, stanza: Stanza) -> Stanza | None:
        """A stanza for an account, or for one of its sessions (§2.2, rules 1, 2 and 4)."""
        to, sender = stanza.to, stanza.sender
        if to is None or sender is None or to.bare not in self._guarded:
            return stanza
        session = self._host.directory.get(to) if to.resource else None
        if session is not None:
            return self.delivered(stanza, session)
        resident = self._host.residents.get(to.bare)
        return stanza if resident is None else self.kept(stanza, resident)

    def delivered(self, stanza: Stanza, session: Session) -> Stanza | None:
        """A stanza on its way to one session, wherever it has been kept (§2.2, rule 1)."""
        sender, account = stanza.sender, session.account
        if self._denied_resource(stanza, session):
            if stanza.kind == "presence":
                return None
            raise StanzaError("not-acceptable", reason="privacy.outgoing", type="cancel")
        if account not in self._guarded or sender is None or _exempt(account, sender):
            return stanza
        listed = privacy_lists.applied(session)
        if _permits(listed, privacy.inbound(stanza), sender, session.resident):
            return stanza
        _refuse(stanza)
        return None

    def concerned(self, stanza: Stanza, accounts: AbstractSet[JID]) -> AbstractSet[JID]:
        """Whose lists what is sent to many has to pass: all if its sender has some himself."""
        sender = stanza.sender
        if sender is not None and sender.bare in self._guarded:
            return accounts
        return accounts & self._guarded

    def _denied_resource(self, stanza: Stanza, session: Session) -> bool:
        """Whether its sender's list denies a stanza this one resource of an account (§2.1).

        When he sent it to the account as a whole nobody could tell. That somebody is gone may
        always be said.
        """
        sender = stanza.sender
        if sender is None or sender.bare not in self._guarded or sender.bare == session.account:
            return False
        sender_session = self._host.directory.get(sender)
        if sender_session is None or stanza.type in ("unavailable", "error"):
            return False
        listed = privacy_lists.applied(sender_session)
        if listed is None or not listed.names_resources:
            return False
        kind = privacy.outbound(stanza)
        return not _permits(listed, kind, session.jid, sender_session.resident)

    def kept(self, stanza: Stanza, resident: Resident) -> Stanza | None:
        """A stanza for an account as a whole (§2.2, rule 2)."""
        sender = stanza.sender
        if sender is None or not privacy_lists.has_any(resident):
            return stanza
        if self._passes(resident, privacy.inbound(stanza), sender):
            return stanza
        _refuse(stanza)
        return None

    def _passes(self, resident: Resident, kind: int, peer: JID) -> bool:
        """Whether any list in force lets it pass; who gets it then asks his own."""
        if not privacy_lists.has_any(resident) or _exempt(resident.jid, peer):
            return True
        lists = privacy_lists.in_force(resident, self._host.directory.of(resident.jid))
        return any(_permits(each, kind, peer, resident) for each in lists)

    # ------------------------------------------------------------------ requests to an account

    def asked(self, stanza: Stanza) -> Stanza | None:
        """An IQ that the server answers for an account, which may have to be read first (§2.12)."""
        to, sender = stanza.to, stanza.sender
        if to is None or sender is None or _exempt(to.bare, sender):
            return stanza
        resident = self._host.residents.get(to.bare)
        if resident is not None:
            return self.kept(stanza, resident)
        payload = stanza.children[0] if stanza.children else ""
        if not self._host.router.iq.knows(On.ACCOUNT, stanza.type, payload, to.domain):
            return stanza  # whatever the lists say, the answer is the same
        claim = stanza.claim
        if claim is not None:
            claim.hold()
        asking = Deferred.fromCoroutine(self._asked(stanza, to.bare))
        asking.addErrback(self._host.router.failed, stanza)
        if claim is not None:
            asking.addBoth(lambda _: claim.let_go())
        return None

    async def _asked(self, stanza: Stanza, account: JID) -> None:
        resident = await self._host.residents.fetch(account)
        if resident is None or self.kept(stanza, resident) is not None:
            self._host.router.answer(stanza, account)


def _permits(listed: PrivacyList | None, kind: int, peer: JID, resident: Resident) -> bool:
    return listed is None or listed.permits(kind, peer, resident.roster)


def _exempt(account: JID, peer: JID) -> bool:
    """Whether no list can come between: a user, his resources, his own server (§2.1, note)."""
    return peer.bare == account or (not peer.local and peer.domain == account.domain)


def _refuse(stanza: Stanza) -> None:
    """Answer as if nobody were there, so that who is blocked learns nothing (§2.14).

    Presence vanishes, and so do messages that would vanish then: headlines and chat states.
    """
    if stanza.kind == "presence" or (stanza.kind == "message" and _vanishes(stanza)):
        return
    raise StanzaError("service-unavailable", reason="privacy.incoming")


def _vanishes(stanza: Stanza) -> bool:
    """Whether a message gets no answer where its recipient is not there (RFC 6121 §8.5.2.2.1)."""
    to = stanza.to
    gone = Target.FULL_GONE if to is not None and to.resource else Target.BARE_NOBODY
    type_ = message_type(stanza.type)
    action = TABLE[stanza.kind, type_, gone]
    if action is Action.AS_BARE:
        action = TABLE[stanza.kind, type_, Target.BARE_NOBODY]
    return action is Action.IGNORE or (action is Action.STORE and worth(stanza) is Worth.PASS)
