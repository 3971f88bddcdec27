"""Message Carbons (XEP-0280): every client of a user that asks for it sees both sides of a chat.

Only the server of an account makes copies. A message that claims to be one, from anybody else, is
refused: clients that believed such messages have been deceived by them.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Set as AbstractSet

from xmppd import ns
from xmppd.core import carbon
from xmppd.core.context import ModuleContext
from xmppd.core.delivery import TABLE, Action, Target, message_type, reachable, recipients, share
from xmppd.core.hooks import Gate
from xmppd.core.host import Host
from xmppd.core.iq import On, Request
from xmppd.core.messages import has_body, hinted
from xmppd.core.sessions import Session
from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.wire.claim import Claim
from xmppd.wire.stanza import Stanza

XEP = (280, "1.0.1", "complete")

RECENT = 64
"""How many messages of an account are remembered by a number each: errors about them are copied."""

_SERVERS_ONLY = "carbons come from servers only"

_PRIVATE = f"{ns.CARBONS} private"
_MUC_USER = f"{ns.MUC_USER} x"
_DIRECT_INVITATION = f"{ns.CONFERENCE} x"
_CONVERSATION = (f"{ns.RECEIPTS} ", f"{ns.CHAT_STATES} ", f"{ns.CHAT_MARKERS} ")


def register(context: ModuleContext) -> None:
    """Switch them on and off (§4, §5), and make the copies (§7, §8)."""
    hooks = context.hooks
    carbons = Carbons(context.host)
    carbons.gates = (
        context.gate(hooks.client_message, Phase.COPY, carbons.sent, carbons.concerned_out),
        context.gate(hooks.account_message, Phase.COPY, carbons.received, carbons.concerned),
    )
    context.iq(On.ACCOUNT, "set", f"{ns.CARBONS} enable", carbons.enable)
    context.iq(On.ACCOUNT, "set", f"{ns.CARBONS} disable", carbons.disable)
    context.hook(hooks.client_message, Phase.GUARD, _refuse_forged, _concerned_by_forged)
    elsewhere = context.gate(
        hooks.account_message,
        Phase.GUARD,
        carbons.refuse_from_elsewhere,
        carbons.concerned_from_elsewhere,
    )
    elsewhere.open(context.host.router.attached)
    context.hook(hooks.attached, Phase.DELIVER, elsewhere.open)
    context.hook(hooks.session_unbound, Phase.COPY, carbons.forget)
    context.advertise(ns.CARBONS)
    context.advertise(ns.CARBONS_RULES)


class Carbons:
    """The sessions that want copies."""

    gates: tuple[Gate, Gate]
    """Of `sent` and `received`: open while any session wants copies."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._enabled: defaultdict[str, set[Session]] = defaultdict(set)
        self._recent: defaultdict[str, deque[int]] = defaultdict(lambda: deque(maxlen=RECENT))

    def enable(self, request: Request) -> None:
        """Have the session get copies (§4)."""
        session = _own_session(request)
        self._enabled[session.account].add(session)
        self._open()

    def disable(self, request: Request) -> None:
        """Have the session get no more copies (§5)."""
        self.forget(_own_session(request))

    def forget(self, session: Session) -> None:
        """A session that wants no more copies, or is gone."""
        sessions = self._enabled.get(session.account)
        if sessions is not None:
            sessions.discard(session)
            if not sessions:
                del self._enabled[session.account]
                self._recent.pop(session.account, None)
                self._open()

    def _open(self) -> None:
        for gate in self.gates:
            gate.open(bool(self._enabled))

    def sent(self, stanza: Stanza, session: Session) -> Stanza:
        """Copy what a client sends to the user's other clients (§8)."""
        enabled = self._enabled.get(session.account)
        to = stanza.to
        # What is for the own account is copied when it gets there.
        if (
            enabled
            and to is not None
            and to.bare != session.account
            and self._copied(stanza, session.account, to)
        ):
            others = [other for other in enabled if other is not session]
            self._copy(carbon.SENT, stanza, session.account, others)
        return stanza

    def received(self, stanza: Stanza) -> Stanza:
        """Copy what comes for an account to those of its clients that do not get it (§7)."""
        assert stanza.to is not None
        account = stanza.to.bare
        enabled = self._enabled.get(account)
        sender = stanza.sender
        if enabled and not _is_private_in_room(stanza) and self._copied(stanza, account, sender):
            receiving = self._receiving(stanza, stanza.to)
            if receiving is not None:
                others = [other for other in enabled if other not in receiving]
                others = self._allowed(stanza, others)
                # Who has the copy has the message: it need not go to anybody else. But what is
                # kept in the store is for all who come.
                claim = None
                if receiving and others:
                    claim = share(stanza, [*self._allowed(stanza, receiving), *others])
                self._copy(carbon.RECEIVED, stanza, account, others, claim)
                if claim is not None:
                    claim.let_go()
        return stanza

    def concerned(self, stanza: Stanza, accounts: AbstractSet[JID]) -> AbstractSet[JID]:
        """For whom `received` may have to copy what is sent to many."""
        if _is_private_in_room(stanza) or not (stanza.type == "error" or _is_eligible(stanza)):
            return frozenset()
        return accounts & self._enabled.keys()

    def concerned_out(self, stanza: Stanza, accounts: AbstractSet[JID]) -> AbstractSet[JID]:
        """For whom `sent` may have to copy what is sent to many in an account's name."""
        wanted = stanza.sender is not None and stanza.sender.bare in self._enabled
        if wanted and (stanza.type == "error" or _is_eligible(stanza)):
            return accounts
        return frozenset()

    def refuse_from_elsewhere(self, stanza: Stanza) -> Stanza:
        """Refuse what looks like a copy, and comes from another server, or from a room, say (§11).

        What users here send was looked at already.
        """
        if self._is_from_elsewhere(stanza) and carbon.claims_to_be_copy(stanza):
            raise StanzaError("forbidden", _SERVERS_ONLY, reason="carbons.forged")
        return stanza

    def concerned_from_elsewhere(
        self, stanza: Stanza, accounts: AbstractSet[JID]
    ) -> AbstractSet[JID]:
        """Likewise, of what is sent to many."""
        found = self._is_from_elsewhere(stanza) and carbon.claims_to_be_copy(stanza)
        return accounts if found else frozenset()

    def _is_from_elsewhere(self, stanza: Stanza) -> bool:
        sender = stanza.sender
        return sender is not None and sender.domain not in self._host.domains

    def _copied(self, stanza: Stanza, account: JID, peer: JID | None) -> bool:
        """Whether a message between the account and a peer is one to be copied (§6.1)."""
        key = hash((peer, stanza.id))
        if stanza.type == "error":  # of such a message, in either direction
            return key in self._recent[account]
        eligible = _is_eligible(stanza)
        if eligible and stanza.id:
            self._recent[account].append(key)
        return eligible

    def _receiving(self, stanza: Stanza, to: JID) -> list[Session] | None:
        """Who gets the message itself (RFC 6121 §8.5); None where it is refused."""
        type_, directory = message_type(stanza.type), self._host.directory
        if to.resource:
            session = directory.get(to)
            if session is not None:
                return [session]
            action = TABLE["message", type_, Target.FULL_GONE]
            if action is not Action.AS_BARE:
                return None if action is Action.ERROR else []
        sessions = directory.of(to.bare)
        target = Target.BARE if reachable(sessions) else Target.BARE_NOBODY
        action = TABLE["message", type_, target]
        return recipients(action, sessions) if action in (Action.TOP, Action.ALL) else []

    def _allowed(self, stanza: Stanza, sessions: list[Session]) -> list[Session]:
        """Those of `sessions` whose own privacy lists let the message through, copied or not."""
        allowed = []
        for session in sessions:
            try:
                if self._host.hooks.session_stanza(stanza, session) is not None:
                    allowed.append(session)
            except StanzaError:  # that session refuses it; nobody need know
                continue
        return allowed

    def _copy(
        self,
        name: str,
        stanza: Stanza,
        account: JID,
        sessions: list[Session],
        claim: Claim | None = None,
    ) -> None:
        if not sessions:
            return
        copy = carbon.copy(name, stanza, account)
        copy.claim = claim
        for session in sessions:
            session.deliver(copy.addressed(session.jid))
        sender = None if stanza.sender is None else self._host.directory.get(stanza.sender)
        if sender is not None:  # a few octets may make many, as in `Router.deliver`
            sender.charge(len(sessions) * len(copy.tail()))


def _own_session(request: Request) -> Session:
    """The session that asks for itself; nobody else's (§4, §5)."""
    if request.session is None or not request.own:
        raise StanzaError("not-allowed", reason="stanza.forbidden")
    return request.session


def _is_eligible(stanza: Stanza) -> bool:
    """Whether a message that is no error is one to be copied (§6.1)."""
    type_ = message_type(stanza.type)
    if type_ == "groupchat":
        return False
    children = stanza.children
    if _PRIVATE in children or hinted(stanza, "no-copy"):
        return False
    return (
        type_ == "chat"
        or (type_ == "normal" and has_body(stanza))
        or _MUC_USER in children
        or _DIRECT_INVITATION in children
        or any(name.startswith(_CONVERSATION) for name in children)
    )


def _is_private_in_room(stanza: Stanza) -> bool:
    """Whether an occupant of a room has sent it: the room tells each client itself (§6.1)."""
    sender = stanza.sender
    return sender is not None and bool(sender.resource) and _MUC_USER in stanza.children


def _refuse_forged(stanza: Stanza, session: Session) -> Stanza:
    """Refuse what looks like a copy, and was not made by the recipient's server (§11)."""
    if carbon.claims_to_be_copy(stanza):
        raise StanzaError("forbidden", _SERVERS_ONLY, reason="carbons.forged")
    return stanza


def _concerned_by_forged(stanza: Stanza, accounts: AbstractSet[JID]) -> AbstractSet[JID]:
    return accounts if carbon.claims_to_be_copy(stanza) else frozenset()
