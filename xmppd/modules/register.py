"""In-Band Registration (XEP-0077): make an account, change its password, remove it.

A client that has not logged in makes an account on the stream's domain, where `[registration]`
lets it. One that has logged in acts on its own account and on no other: the account is that of
its session, never one that the request names.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from twisted.logger import Logger

from xmppd import ns
from xmppd.addresses import is_loopback, network_of
from xmppd.core.context import ModuleContext
from xmppd.core.forms import Field, Form, submitted
from xmppd.core.host import Connection, Host
from xmppd.core.iq import On, Request
from xmppd.core.quota import Quota
from xmppd.errors import StanzaError
from xmppd.jid import JID, JIDError
from xmppd.storage.interfaces import AccountExists
from xmppd.stream.features import Feature
from xmppd.stream.states import Fact
from xmppd.wire.build import Raw, Tag
from xmppd.wire.stanza import Stanza

log = Logger()

XEP = (77, "2.4", "complete")

_FEATURE = Raw(Tag("register", ns=ns.REGISTER_FEATURE).render())

OFFER = Feature(
    "register",
    Fact.MAY_AUTHENTICATE | Fact.REGISTRATION,
    Fact.AUTHENTICATED,
    lambda stream: _FEATURE if stream.may_carry_passwords else None,
)
"""The stream feature (§8)."""

_QUERY = f"{ns.REGISTER} query"
_NEW = "Choose a user name and a password."
_CHANGES, _SECONDS = 5, 60
"""How often a user may change his password: each time costs the CPU milliseconds."""
_KNOWN = "You have an account. Send its name with another password to change the password."


def register(context: ModuleContext) -> None:
    """Offer it (§8), and answer before login and after it."""
    host = context.host
    context.feature(OFFER)
    strangers, users = Strangers(host), Users(host)
    context.open_request(_QUERY, strangers.answer)
    for addressee in On:
        context.iq(addressee, "get", _QUERY, users.fields)
        context.iq(addressee, "set", _QUERY, users.change)
    context.advertise(ns.REGISTER, when=lambda domain: domain not in host.config.auth.anonymous)


class Strangers:
    """Answers clients that have not logged in (§3.1.1)."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._quota = Quota(host.clock.seconds)

    async def answer(self, connection: Connection, stanza: Stanza) -> Tag | None:
        """Give the fields to fill in, or make the account."""
        self._check_open(connection, stanza.type)
        if stanza.type == "get":
            return _fields(None)
        await self._register(connection, stanza.element[0])
        return None

    def _check_open(self, connection: Connection, type_: str) -> None:
        """Registration has to be open to this address, and the password safe on its way (§11)."""
        stream = connection.stream
        policy = self._host.config.registration.policy
        allowed = policy == "on" or (policy == "loopback" and is_loopback(connection.address))
        if not allowed or stream.domain in stream.policy.anonymous:
            condition = "service-unavailable" if type_ == "get" else "not-allowed"
            raise StanzaError(condition, "registration is off here", reason="register.closed")
        if not stream.may_carry_passwords:
            raise StanzaError("policy-violation", "TLS comes first", reason="tls.required")

    async def _register(self, connection: Connection, query: Element) -> None:
        if _is_removal(query):
            raise StanzaError("unexpected-request", "log in first", reason="stream.not-authorized")
        values = _values(query)
        jid = _new_account(values.get("username", ""), connection.stream.domain)
        password = values.get("password", "")
        if not password:
            raise _unusable("a password is required")
        _check_length(self._host, password)
        self._check_rate(connection.address)
        try:
            await self._host.administrator.create(jid, password)
        except AccountExists:
            raise StanzaError("conflict", reason="register.conflict") from None
        except ValueError as error:
            raise _unusable(str(error)) from None
        log.info("account {jid}: registered from {address}", jid=jid, address=connection.address)

    def _check_rate(self, address: str) -> None:
        """Count an attempt, taken names included: else names could be tried for nothing.

        Where only this machine may register there is nobody to be slowed down.
        """
        registration = self._host.config.registration
        if registration.policy == "loopback":
            return
        most, seconds = registration.per_address, registration.per_seconds
        if not self._quota.take(network_of(address), most, seconds):
            raise StanzaError("resource-constraint", "try again later", reason="register.rate")


class Users:
    """Answers clients that have logged in, whatever `[registration] policy` says."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._changes = Quota(host.clock.seconds)

    def fields(self, request: Request) -> Tag:
        """Tell that there is an account, and its name (§3.1)."""
        return _fields(self._account(request))

    async def change(self, request: Request) -> None:
        """Remove the account (§3.2) or change its password (§3.3)."""
        account, query = self._account(request), request.payload
        if _is_removal(query):
            if len(query) != 1:
                raise _incomplete("remove stands alone")
            done, known = "removed", await self._host.administrator.remove(account)
        else:
            password = self._new_password(request, account)
            done, known = "password set", await self._set_password(account, password)
        if not known:
            raise StanzaError("registration-required", reason="stanza.no-such-user")
        address = request.session.address if request.session else ""
        log.info("account {jid}: {done} from {address}", jid=account, done=done, address=address)

    def _account(self, request: Request) -> JID:
        """The account of the session that asks; who is anonymous has none (XEP-0175)."""
        account = _own_account(request)
        if account.domain in self._host.config.auth.anonymous:
            raise StanzaError("not-allowed", "no accounts here", reason="register.closed")
        return account

    async def _set_password(self, account: JID, password: str) -> bool:
        try:
            return await self._host.administrator.set_password(account, password)
        except ValueError as error:
            raise _unusable(str(error)) from None

    def _new_password(self, request: Request, account: JID) -> str:
        """Find the new password in a request that is complete, allowed and about `account`."""
        values = _values(request.payload)
        username, password = values.get("username", ""), values.get("password", "")
        if not username or not password:
            raise _incomplete("user name and password are required")
        if not _is_name_of(username, account):
            raise StanzaError("forbidden", "not your account", reason="stanza.forbidden")
        self._check_channel(request)
        _check_length(self._host, password)
        if not self._changes.take(account, _CHANGES, _SECONDS):
            raise StanzaError("resource-constraint", "try again later", reason="register.rate")
        return password

    def _check_channel(self, request: Request) -> None:
        """A password may travel where PLAIN may (§3.3, table 2)."""
        session = request.session
        assert session is not None  # only users get here
        policy = self._host.policy(loopback=is_loopback(session.address))
        if not session.secure and not policy.plaintext_allowed:
            raise StanzaError("not-authorized", "TLS comes first", reason="tls.required")


def _own_account(request: Request) -> JID:
    """The account of the session that asks; nobody may ask about another's, or from elsewhere."""
    session = request.session
    if session is None or request.to not in (session.account, session.account.domain):
        raise StanzaError("service-unavailable", reason="stanza.forbidden")
    return session.account


def _fields(account: JID | None) -> Tag:
    """Make the answer to a get: the fields, old style and as a form (§3.1, §4)."""
    name = account.local if account else ""
    instructions = _KNOWN if account else _NEW
    form = Form(
        ns.REGISTER,
        (
            Field("username", (name,) if name else (), "text-single", "User name", required=True),
            Field("password", (), "text-private", "Password", required=True),
        ),
        title="Registration",
        instructions=instructions,
    )
    old_style = [
        Tag("instructions", {}, instructions),
        Tag("username", {}, name),
        Tag("password"),
    ]
    registered = [Tag("registered")] if account else []
    return Tag("query", {}, [*registered, *old_style, form.tag("form")], ns=ns.REGISTER)


def _values(query: Element) -> Mapping[str, str]:
    """Read what was filled in: the form where there is one (§4, rule 5), else the old fields."""
    form = query.find(f"{{{ns.DATA_FORM}}}x")
    if form is not None:
        return submitted(form, ns.REGISTER)
    return {
        name: query.findtext(f"{{{ns.REGISTER}}}{name}") or "" for name in ("username", "password")
    }


def _is_removal(query: Element) -> bool:
    return query.find(f"{{{ns.REGISTER}}}remove") is not None


def _new_account(username: str, domain: str) -> JID:
    if not username:
        raise _unusable("a user name is required")
    try:
        return JID.of(username, domain)
    except JIDError as error:
        raise _unusable(str(error)) from None


def _is_name_of(username: str, account: JID) -> bool:
    """True for the local part and for the bare JID (§3.3, examples 14 and 19)."""
    try:
        return JID.parse(username if "@" in username else f"{username}@{account.domain}") == account
    except JIDError:
        return False


def _check_length(host: Host, password: str) -> None:
    fewest = host.config.registration.min_password
    if len(password) < fewest:
        raise _unusable(f"a password has at least {fewest} characters")


def _unusable(why: str) -> StanzaError:
    return StanzaError("not-acceptable", why, reason="register.malformed")


def _incomplete(why: str) -> StanzaError:
    return StanzaError("bad-request", why, reason="register.malformed")
