"""Non-SASL Authentication (XEP-0078), for clients from before SASL; off unless `[auth] legacy`.

It asks the same questions as a SASL exchange, so the same back-end, the same throttle and the
same limit of attempts stand behind it. Where TLS is required and absent, the stream ends before
a request gets here.
"""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred

from xmppd import ns
from xmppd.core.context import ModuleContext
from xmppd.core.host import Connection, Host
from xmppd.credentials import prepare_username
from xmppd.errors import SASLFailure, StanzaError, StreamError
from xmppd.jid import JID, JIDError
from xmppd.stream import sasl
from xmppd.stream.events import Authorize, Question, Reject
from xmppd.stream.features import Feature, static
from xmppd.stream.sasl import legacy
from xmppd.stream.states import Fact
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Stanza

XEP = (78, "2.5", "complete")

OFFER = Feature(
    "auth",
    Fact.MAY_AUTHENTICATE | Fact.LEGACY_AUTH,
    Fact.AUTHENTICATED,
    static(Tag("auth", ns=ns.AUTH_FEATURE)),
)
"""The stream feature (§2)."""


def register(context: ModuleContext) -> None:
    """Offer it (§2) and answer before login."""
    context.feature(OFFER)
    context.open_request(f"{ns.AUTH} query", Login(context.host).answer)


class Given(NamedTuple):
    """What a client gives to log in (§3.1)."""

    username: str
    resource: str
    password: str
    digest: str


class Login:
    """Logs clients in."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def answer(self, connection: Connection, stanza: Stanza) -> Tag | None:
        """Give the fields to fill in, or log the client in."""
        stream = connection.stream
        if not self._host.config.auth.legacy or stream.domain in stream.policy.anonymous:
            raise StanzaError("service-unavailable", reason="auth.legacy")
        if stream.authentication.failed:
            raise StreamError("policy-violation", "SASL has failed before", reason="auth.legacy")
        if stanza.type == "get":
            return _fields(connection)
        await self._log_in(connection, _given(stanza.element[0]))
        return None

    async def _log_in(self, connection: Connection, given: Given) -> None:
        username = _prepared(given.username)
        try:
            account = await self._prove(connection, username, given)
        except SASLFailure as failure:
            # Counted under the name that the attempt was booked under, however it was spelled.
            await self._fail(connection, username, failure)
        self._check_rename(account, given.resource)
        resident = await connection.load(account)
        try:
            connection.admit(resident, given.resource)
        except StanzaError as error:
            if error.condition == "conflict":
                raise _conflict() from None
            raise

    async def _prove(self, connection: Connection, username: str, given: Given) -> JID:
        """Check what was given as a SASL exchange does; the account, or SASLFailure."""
        if not username:
            raise SASLFailure("not-authorized", reason="auth.credentials")
        if given.digest:
            password, version = await self._ask(connection, sasl.FetchPassword(username))
            right = legacy.verify_digest(connection.stream.id, password, given.digest)
        elif connection.stream.may_carry_passwords:
            check = sasl.CheckPassword(username, given.password)
            right, version = await self._ask(connection, check)
        else:
            raise StanzaError(
                "policy-violation", "no plain password here", reason="auth.encryption-required"
            )
        if not right:
            raise SASLFailure("not-authorized", reason="auth.credentials")
        proved = Authorize(sasl.Success(username, version=version))
        account: JID = await self._ask(connection, proved)
        return account

    def _ask(self, connection: Connection, question: Question) -> Deferred[Any]:
        answer = self._host.authenticator.answer
        return connection.waits_for(answer(question, connection.stream.domain, connection.address))

    async def _fail(self, connection: Connection, username: str, failure: SASLFailure) -> NoReturn:
        """Refuse, as late and as often as SASL would; a store's fault is not the client's."""
        if failure.condition == "temporary-auth-failure":
            raise StanzaError("internal-server-error", reason=failure.reason, type="wait")
        await self._ask(connection, Reject(username, failure))
        connection.stream.authentication.count_failure()
        raise StanzaError("not-authorized", reason=failure.reason)

    def _check_rename(self, account: JID, resource: str) -> None:
        """A taken resource can't become another one: the client would not learn of it (§3.1)."""
        if self._host.config.server.resource_conflict != "rename":
            return
        try:
            full = account.with_resource(resource)
        except JIDError:
            return  # the bind refuses it
        if self._host.directory.get(full) is not None:
            raise _conflict()


def _prepared(username: str) -> str:
    """What SASLprep leaves of a user name; "" for one that it refuses."""
    try:
        return prepare_username(username)
    except ValueError:
        return ""


def _fields(connection: Connection) -> Tag:
    """Make the answer to a get, the same for every user name (§3.1)."""
    password = [Tag("password")] if connection.stream.may_carry_passwords else []
    fields = [Tag("username"), *password, Tag("digest"), Tag("resource")]
    return Tag("query", {}, fields, ns=ns.AUTH)


def _given(query: Element) -> Given:
    """Read a set; raises StanzaError `not-acceptable` where something is missing (§3.1)."""
    given = Given(*(query.findtext(f"{{{ns.AUTH}}}{name}") or "" for name in Given._fields))
    if not given.username or not given.resource or not (given.password or given.digest):
        raise StanzaError(
            "not-acceptable",
            "user name, resource, and password or digest are required",
            reason="auth.malformed",
        )
    return given


def _conflict() -> StanzaError:
    return StanzaError("conflict", reason="bind.conflict")
