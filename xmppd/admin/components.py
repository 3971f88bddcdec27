"""What an operator asks about components: who is there, and what each may do."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta
from twisted.logger import Logger

from xmppd.admin.grants import Grant, granted
from xmppd.admin.operated import Arguments, CommandError, Operated, Outcome, refusal_told
from xmppd.config import keys
from xmppd.core.components.domain import Component
from xmppd.core.components.instance import Instance
from xmppd.jid import JID, JIDError

log = Logger()


class Domain(Arguments, frozen=True):
    """The domain of a component."""

    domain: str


class Drain(Domain, frozen=True):
    """An instance of it, all of them for "", and how long each may take."""

    instance: str = ""
    seconds: Annotated[int, Meta(ge=1, le=50)] = 30


async def listed(on: Operated, args: Arguments) -> Outcome:
    """Every component that may connect, by domain, with its instances."""
    names = _bundled(on)
    found = sorted(on.host.components, key=lambda each: each.domain)
    return {"components": [_component(on, each, names.get(each.domain, "")) for each in found]}


def _bundled(on: Operated) -> dict[str, str]:
    """The names of those that the server runs itself, by domain."""
    return {one["domain"]: one["name"] for one in on.facts().get("bundled", ())}


def _component(on: Operated, component: Component, bundled: str) -> Outcome:
    now, connected = on.host.clock.seconds(), len(component.connected)
    told: Outcome = {
        "domain": component.domain,
        "bundled": bundled,
        "connected": connected,
        "instances": [_instance(each, now) for each in component.instances.values()],
    }
    if not connected:
        told["absent_seconds"] = max(0, round(now - component.absent_since))
        told["refusal"] = _last_refusal(on, component.domain)
    return told


def absent(on: Operated) -> Outcome:
    """Those that may connect and are not there: for how long, and what each was refused for."""
    now, host = on.host.clock.seconds(), on.host
    return {
        each.domain: {
            "seconds": max(0, round(now - each.absent_since)),
            "refusal": _last_refusal(on, each.domain, each.absent_since),
        }
        for each in host.components
        if not each.connected
    }


def _instance(instance: Instance, now: float) -> Outcome:
    line = instance.line
    return {
        "name": instance.name,
        "connected": line is not None,
        "address": "" if line is None else line.address,
        "seconds": max(0, round(now - instance.since)),
        "waiting": instance.waiting,
        "waiting_octets": instance.octets,
        "sent": instance.sent,
        "received": instance.received,
        "pending": len(instance.pending),
    }


def _last_refusal(on: Operated, domain: str, since: float = 0.0) -> Outcome | None:
    """What it was last refused for, or why its stream ended, as far as is remembered."""
    for refusal in reversed(on.host.refusals.recent):
        if refusal.who == domain and refusal.when >= since:
            return refusal_told(refusal)
    return None


async def drained(on: Operated, args: Drain) -> Outcome:
    """Have an instance of a component, or all, finish what is begun and leave."""
    component = _known(on, args.domain)
    names = [each.name for each in component.connected]
    if not names or args.instance not in ("", *names):
        who = f"{component.domain}/{args.instance}" if args.instance else component.domain
        raise CommandError(f"{who} is not connected", "xmppctl components lists who is")
    unfinished = await component.drain(args.seconds, args.instance or None)
    log.info("component {domain} was drained by an operator", domain=component.domain)
    return {"domain": component.domain, "unfinished": unfinished}


async def explained(on: Operated, args: Domain) -> Outcome:
    """What a component may do at each domain of the server, and what it may not."""
    component = _known(on, args.domain)
    jid = JID.parse(component.domain)
    domains = []
    for domain in on.host.domains:
        settings = on.host.components.grants(jid, domain)
        found = [] if settings is None else granted(settings)
        domains.append(
            {
                "domain": domain,
                "may": [_grant(each) for each in found if each.given],
                "may_not": [_grant(each) for each in found if not each.given],
            }
        )
    return {
        "domain": component.domain,
        "table": keys.written(("components", component.domain)),
        "bundled": _bundled(on).get(component.domain, ""),
        "connected": len(component.connected),
        "domains": domains,
    }


def _grant(grant: Grant) -> Outcome:
    return {"what": grant.what, "key": grant.key}


def _known(on: Operated, text: str) -> Component:
    try:
        component = on.host.components.get(JID.parse(text).domain)
    except JIDError:
        component = None
    if component is None:
        problem = f"{text[:100]} is no component of this server"
        raise CommandError(problem, "xmppctl components lists them")
    return component
