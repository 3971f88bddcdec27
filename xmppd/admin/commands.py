"""What an operator can have done, in one table: command, arguments, function.

The control socket, xmppctl without a server and (to come) the ad-hoc commands of XEP-0133 all go
through `perform`. Results are made of what JSON has.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from xmppd import __version__
from xmppd.admin import components, federation
from xmppd.admin.operated import Arguments, CommandError, Operated, Outcome, refusal_told
from xmppd.core.sessions import Session
from xmppd.errors import ConfigError, StoreError, StreamError
from xmppd.jid import JID, JIDError
from xmppd.storage.interfaces import AccountExists

log = Logger()


class Credentials(Arguments, frozen=True):
    """An account and its new password."""

    jid: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.jid!r})"


class Address(Arguments, frozen=True):
    """Whom it is about."""

    jid: str


class Subject(Arguments, frozen=True):
    """A JID, a domain or a network address."""

    subject: str


class Page(Arguments, frozen=True):
    """Part of a long list: what comes after the item `after`, of one domain or of all ("")."""

    domain: str = ""
    after: str = ""
    limit: Annotated[int, Meta(ge=1, le=500)] = 100


# ---------------------------------------------------------------------- accounts


async def _adduser(on: Operated, args: Credentials) -> Outcome:
    jid = _account(on, args.jid)
    try:
        await on.host.administrator.create(jid, args.password)
    except AccountExists:
        raise CommandError(f"there is an account {jid}", "Use passwd to set its password") from None
    except ValueError as error:
        raise _unusable(error) from None
    log.info("account {jid}: made by an operator", jid=jid)
    return {"jid": jid}


async def _passwd(on: Operated, args: Credentials) -> Outcome:
    jid = _account(on, args.jid)
    try:
        known = await on.host.administrator.set_password(jid, args.password)
    except ValueError as error:
        raise _unusable(error) from None
    if not known:
        raise _unknown(jid)
    log.info("account {jid}: password set by an operator", jid=jid)
    return {"jid": jid}


async def _deluser(on: Operated, args: Address) -> Outcome:
    jid = _account(on, args.jid)
    if not await on.host.administrator.remove(jid):
        raise _unknown(jid)
    log.info("account {jid}: removed by an operator", jid=jid)
    return {"jid": jid}


async def _users(on: Operated, args: Page) -> Outcome:
    """Accounts, domain by domain in the order of the configuration, by local part in each."""
    after = _jid(args.after) if args.after else None
    domains = [_served(on, args.domain)] if args.domain else list(on.host.domains)
    if after is not None:
        if after.domain not in domains:
            raise CommandError(f"{after} is in no listed domain", "Start from the beginning")
        domains = domains[domains.index(after.domain) :]
    found: list[Outcome] = []
    for domain in domains:
        start = after.local if after is not None and after.domain == domain else ""
        room = args.limit + 1 - len(found)
        for account in await on.host.stores.accounts.list(domain, start, room):
            found.append(
                {"jid": account.jid, "created": account.created, "enabled": account.enabled}
            )
        if len(found) > args.limit:
            break
    return _page("users", found, args.limit)


# ---------------------------------------------------------------------- sessions


async def _sessions(on: Operated, args: Page) -> Outcome:
    domain = _served(on, args.domain) if args.domain else ""
    now = on.host.clock.seconds()
    chosen = heapq.nsmallest(
        args.limit + 1,
        (s for s in on.host.directory if domain in ("", s.jid.domain) and s.jid > args.after),
        key=lambda session: session.jid,
    )
    told = [_session(session, now) for session in chosen]
    return _page("sessions", told, args.limit)


def _session(session: Session, now: float) -> Outcome:
    return {
        "jid": session.jid,
        "address": session.address,
        "secure": session.secure,
        "priority": session.priority,
        "seconds": max(0, round(now - session.since)),
    }


async def _kick(on: Operated, args: Address) -> Outcome:
    jid = _jid(args.jid)
    _served(on, jid.domain)
    error = StreamError("policy-violation", "ended by an operator", reason="session.kicked")
    ended = on.host.end_streams(jid, error)
    if not ended:
        raise CommandError(f"{jid} has no session", "xmppctl sessions lists them")
    return {"jid": jid, "ended": ended}


# ---------------------------------------------------------------------- the server


async def _why(on: Operated, args: Subject) -> Outcome:
    try:
        subject: str = JID.parse(args.subject)
    except JIDError:
        subject = args.subject
    return {
        "subject": subject,
        "refusals": [refusal_told(refusal) for refusal in on.host.refusals.about(subject)],
        "elsewhere": federation.about(on, subject),
    }


async def _status(on: Operated, args: Arguments) -> Outcome:
    host = on.host
    accounts = {domain: await host.stores.accounts.count(domain) for domain in host.domains}
    return {
        "version": __version__,
        "pid": os.getpid(),
        "started": host.started,
        "uptime": max(0, round(host.clock.seconds() - host.started)),
        "domains": list(host.domains),
        "connections": len(host.connections),
        "sessions": len(host.directory),
        "components": {each.domain: len(each.connected) for each in host.components},
        "absent": components.absent(on),
        "servers": len(host.remotes.connections),
        "accounts": accounts,
        "routed": host.router.routed,
        "refusals": dict(sorted(host.refusals.counts.items())),
        **on.facts(),
    }


async def _reload(on: Operated, args: Arguments) -> Outcome:
    if on.reload is None:
        raise CommandError("no server runs", "Start it")
    return {"changes": await on.reload()}


# ---------------------------------------------------------------------- the table


class Command(NamedTuple):
    """One operation.

    `offline` says that it needs the store and no running server, `makes` that it needs not even
    a store: there will be one.
    """

    arguments: type[Arguments]
    function: Callable[[Operated, Any], Coroutine[Deferred[Any], Any, Outcome]]
    offline: bool = False
    makes: bool = False


COMMANDS: Mapping[str, Command] = {
    "adduser": Command(Credentials, _adduser, offline=True, makes=True),
    "passwd": Command(Credentials, _passwd, offline=True),
    "deluser": Command(Address, _deluser, offline=True),
    "users": Command(Page, _users, offline=True),
    "sessions": Command(Page, _sessions),
    "kick": Command(Address, _kick),
    "components": Command(Arguments, components.listed),
    "components drain": Command(components.Drain, components.drained),
    "explain": Command(components.Domain, components.explained),
    "s2s": Command(federation.Some, federation.listed),
    "s2s-try": Command(federation.Visit, federation.tried),
    "s2s-close": Command(federation.Elsewhere, federation.closed),
    "why": Command(Subject, _why),
    "status": Command(Arguments, _status),
    "reload": Command(Arguments, _reload),
}
"""Every command by its name."""


def perform(on: Operated, name: object, args: object) -> Deferred[Outcome]:
    """Carry out the command `name` with `args`, an object of JSON; fails with CommandError only."""
    return Deferred.fromCoroutine(_perform(on, name, args))


async def _perform(on: Operated, name: object, args: object) -> Outcome:
    command = COMMANDS.get(name) if isinstance(name, str) else None
    if command is None:
        raise CommandError("unknown command", f"Known here: {', '.join(COMMANDS)}")
    try:
        arguments = msgspec.convert(args, command.arguments)
    except msgspec.ValidationError as error:
        raise CommandError(f"{name}: {error}", f"See xmppctl {name} --help") from None
    try:
        return await command.function(on, arguments)
    except CommandError:
        raise
    except ConfigError as error:
        raise CommandError(str(error).removesuffix(f". {error.remedy}"), error.remedy) from None
    except StoreError as error:
        raise CommandError(f"the store failed: {error}", "Try again; see the log") from None
    except Exception as error:
        log.failure("command {command} failed", command=name)
        raise CommandError("the server failed to do it", "See its log at this time") from error


def _account(on: Operated, text: str) -> JID:
    jid = _jid(text)
    if not jid.local or jid.resource:
        raise CommandError(f"{jid} is no account", 'Give a bare JID such as "juliet@example.org"')
    _served(on, jid.domain)
    return jid


def _jid(text: str) -> JID:
    try:
        return JID.parse(text)
    except JIDError as error:
        remedy = 'Give an address such as "juliet@example.org"'
        raise CommandError(f'"{text[:100]}": {error}', remedy) from None


def _served(on: Operated, domain: str) -> str:
    try:
        prepared = JID.parse(domain)
    except JIDError:
        prepared = None
    if prepared not in on.host.domains:
        served = ", ".join(on.host.domains)
        raise CommandError(
            f"{domain[:100]} is no domain of this server ({served})",
            "Use one that is, or add it to [server] domains and reload",
        )
    return prepared or ""


def _unusable(error: ValueError) -> CommandError:
    """`error` is the accounts' own word for a password that can't be one."""
    return CommandError(f"unusable password: {error}", "Choose another")


def _unknown(jid: JID) -> CommandError:
    return CommandError(f"there is no account {jid}", "xmppctl users lists them")


def _page(name: str, found: Sequence[Outcome], limit: int) -> Outcome:
    """The items, and where to go on: None at the end."""
    more = len(found) > limit
    return {name: list(found[:limit]), "next": found[limit - 1]["jid"] if more else None}
