"""What an operator asks about other servers, and has done to the streams with them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.logger import Logger

from xmppd.admin.operated import Arguments, CommandError, Operated, Outcome
from xmppd.config import keys
from xmppd.core.s2s import facts
from xmppd.core.s2s.trail import Trail
from xmppd.core.s2s.visiting import visit
from xmppd.errors import StanzaError
from xmppd.jid import JID, JIDError
from xmppd.net.names import ip_literal
from xmppd.reasons import REASONS

log = Logger()


class Elsewhere(Arguments, frozen=True):
    """A domain of another server."""

    domain: str


class Some(Arguments, frozen=True):
    """A domain of another server; "" for all."""

    domain: str = ""


class Visit(Elsewhere, frozen=True):
    """From which of our domains ("": the first that may), and how long it may take."""

    local: str = ""
    seconds: Annotated[int, Meta(ge=1, le=50)] = 30


# ---------------------------------------------------------------------- the list


async def listed(on: Operated, args: Some) -> Outcome:
    """The streams with other servers, then the domains that wait or could not be reached."""
    remotes, now = on.host.remotes, on.host.clock.seconds()
    domain = _elsewhere(args.domain) if args.domain else ""
    links = facts.links(remotes, domain)
    troubled = [facts.reaching(remotes, domain)] if domain else facts.troubled(remotes)
    return {
        "enabled": remotes.enabled,
        "domain": domain,
        "streams": len(facts.with_domain(remotes, domain) if domain else remotes.connections),
        "links": [_link(each, now) for each in links],
        "domains": [_reaching(each, now) for each in troubled if _worth_telling(each)],
    }


def _worth_telling(reaching: facts.Reaching) -> bool:
    return bool(reaching.waiting or reaching.trying or reaching.failures)


def _link(link: facts.Link, now: float) -> Outcome:
    told = link._asdict()
    del told["busy"]
    return {
        **told,
        "seconds": max(0, round(now - link.since)),
        "idle_seconds": max(0, round(now - link.busy)),
    }


def _reaching(reaching: facts.Reaching, now: float) -> Outcome:
    return {
        "domain": reaching.domain,
        "streams": reaching.streams,
        "waiting": reaching.waiting,
        "trying": reaching.trying,
        "failures": reaching.failures,
        "retry": reaching.until if reaching.failures and now < reaching.until else None,
        "error": _error(reaching.error),
    }


def _error(error: StanzaError | None) -> Outcome | None:
    """What an attempt has failed with: what senders are told, and what the operator is."""
    if error is None:
        return None
    meaning, remedy = REASONS.get(error.reason, ("", ""))
    return {
        "condition": error.condition,
        "text": error.text,
        "reason": error.reason,
        "detail": error.detail,
        "meaning": meaning,
        "remedy": remedy,
    }


# ---------------------------------------------------------------------- one domain


def about(on: Operated, subject: str) -> Outcome | None:
    """What is known of the domain of `subject`, where that is one elsewhere.

    None where other servers are not talked to, and of whom nothing can be known.
    """
    remotes = on.host.remotes
    try:
        domain = JID.parse(subject).domain
    except JIDError:
        return None
    if not remotes.enabled or domain in on.host.router.routes:
        return None
    if remotes.find(domain) is None and (subject != domain or ip_literal(domain)):
        return None
    return _known(on, domain)


def _known(on: Operated, domain: str) -> Outcome:
    remotes = on.host.remotes
    policy, reaching = facts.policy(remotes, domain), facts.reaching(remotes, domain)
    meaning, remedy = REASONS.get(policy.refusal, ("", ""))
    return {
        **_reaching(reaching, on.host.clock.seconds()),
        "links": len(facts.with_domain(remotes, domain)),
        "policy": {
            "refusal": policy.refusal,
            "refusal_key": policy.refusal_by,
            "meaning": meaning,
            "remedy": remedy,
            "require": policy.require,
            "require_key": _key("domains", policy.require_by, "require"),
            "route": list(policy.route),
            "route_key": _key("routes", policy.route_by) if policy.route_by else "",
        },
        "attempt": _steps(reaching.trail),
    }


def _key(table: str, pattern: str, *key: str) -> str:
    """The key that says so, as it is written in the configuration."""
    return keys.written(("s2s", table, pattern, *key) if pattern else ("s2s", *key))


def _steps(trail: Trail | None) -> list[Outcome]:
    return [] if trail is None else [step._asdict() for step in trail.steps]


# ---------------------------------------------------------------------- what is done


async def tried(on: Operated, args: Visit) -> Outcome:
    """Reach a domain now, and tell how that went."""
    domain, remotes = _elsewhere(args.domain), on.host.remotes
    local = args.local or next(filter(remotes.rules.hosts, on.host.domains), "")
    if not remotes.enabled:
        raise CommandError("there are no other servers", "Set [s2s] enabled = true, then reload")
    if domain in on.host.router.routes:
        raise CommandError(f"{domain} is a domain of this server", "Name one of another")
    if not remotes.rules.hosts(local):
        problem = f"{local[:100] or 'no domain'} is none of ours that others are reached from"
        raise CommandError(problem, f"These are: {', '.join(on.host.domains)}")
    before = remotes.find(domain)
    carried = before is not None and local in before.pairs and before.pairs[local].line is not None
    log.info("{domain} is tried by an operator, from {local}", domain=domain, local=local)
    error, waits = None, False
    try:
        await visit(remotes, local, domain).addTimeout(args.seconds, on.host.clock)
    except StanzaError as failed:
        error = failed
    except DeferredTimeout:  # the attempt goes on
        waits = True
    told = _known(on, domain)
    if told["policy"]["refusal"]:
        told["attempt"] = []  # there was none: those are the steps of an older one
    return {
        **told,
        "local": local,
        "error": _error(error),
        "reached": error is None and not waits,
        "carried": carried,
        "waits": waits,
    }


async def closed(on: Operated, args: Elsewhere) -> Outcome:
    """End the streams with a domain; what comes for it later opens another."""
    domain = _elsewhere(args.domain)
    connections = facts.with_domain(on.host.remotes, domain)
    if not connections:
        raise CommandError(f"there is no stream with {domain}", "xmppctl s2s lists them")
    for connection in connections:
        connection.close()
    log.info("streams with {domain} were closed by an operator", domain=domain)
    return {"domain": domain, "closed": len(connections)}


def _elsewhere(text: str) -> str:
    try:
        jid = JID.parse(text)
    except JIDError as error:
        remedy = 'Give a domain such as "example.net"'
        raise CommandError(f'"{text[:100]}": {error}', remedy) from None
    return jid.domain
