"""Results of commands as a person reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from xmppd.admin.checks import Finding
from xmppd.admin.operated import Outcome
from xmppd.process.logs import escape


def as_json(result: Outcome) -> str:
    """On one line, in ASCII: what strangers have sent must not reach a terminal as it is."""
    return json.dumps(result)


def moment(seconds: float) -> str:
    """A time of day, in UTC, to the second."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%SZ}"


def duration(seconds: int) -> str:
    """Days, hours and minutes, the two that matter: "3d 4h", "5m 10s"."""
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, rest = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (rest, "s")]
    while len(parts) > 1 and not parts[0][0]:
        del parts[0]
    return " ".join(f"{number}{unit}" for number, unit in parts[:2])


def counted(number: int, things: str) -> str:
    """`number` and its noun, given in the plural: "1 session", "2 sessions"."""
    return f"{number} {things.removesuffix('s') if number == 1 else things}"


def _user(user: Outcome) -> str:
    switched_off = "" if user["enabled"] else "  switched off"
    return f"{user['jid']}  since {moment(user['created'])}{switched_off}"


def _session(session: Outcome) -> str:
    priority = session["priority"]
    available = "unavailable" if priority is None else f"priority {priority}"
    tls = "TLS" if session["secure"] else "no TLS"
    where = session["address"] or "local"
    return f"{escape(session['jid'])}  {where}  {tls}  {available}  {duration(session['seconds'])}"


LINES: Mapping[str, Callable[[Outcome], str]] = {"users": _user, "sessions": _session}
"""How an item of each list is written."""


def refusals(result: Outcome) -> Iterator[str]:
    """Each remembered refusal, the oldest first, then the meaning of each reason.

    Those that differ in nothing but the time are one line, at the time of the last, with their
    number and the time of the first.
    """
    if not result["refusals"]:
        yield f"no refusal is remembered of {result['subject']}"
    reasons = {}
    times: dict[str, tuple[float, float, int]] = {}
    for refusal in result["refusals"]:
        reasons[refusal["reason"]] = refusal["meaning"], refusal["remedy"]
        told = _refusal(refusal)
        when = refusal["when"]
        _, since, before = times.pop(told, (when, refusal.get("since") or when, 0))
        times[told] = when, since, before + refusal.get("times", 1)
    for told, (when, since, count) in times.items():
        repeated = f"  ({count} times since {moment(since)})" if count > 1 else ""
        yield f"{moment(when)}  {told}{repeated}"
    for reason, (meaning, remedy) in reasons.items():
        yield escape(f"{reason}: {meaning}. What to do: {remedy}")


def _refusal(refusal: Outcome) -> str:
    parts = [refusal["reason"], refusal["who"] or "-"]
    parts += [f"to {refusal['target']}"] if refusal["target"] else []
    parts += [f"from {refusal['address']}"] if refusal["address"] else []
    parts += [f"({refusal['detail']})"] if refusal.get("detail") else []
    return escape("  ".join(parts))


def components(result: Outcome) -> Iterator[str]:
    """An instance of a component a line; of one that is not there, since when and why."""
    for component in result["components"]:
        who = component["domain"] + (" (bundled)" if component["bundled"] else "")
        if not component["connected"]:
            yield f"{who}  not connected for {duration(component['absent_seconds'])}"
            if refusal := component["refusal"]:
                yield f"    {moment(refusal['when'])}  {_refusal(refusal)}: {refusal['meaning']}"
        for instance in component["instances"]:
            yield f"{who}{_instance(instance)}"
    if not result["components"]:
        yield "no component is configured"


def _instance(instance: Outcome) -> str:
    name = f"/{instance['name']}" if instance["name"] else ""
    if instance["connected"]:
        where = f"{instance['address'] or 'local'}  {duration(instance['seconds'])}"
    else:
        where = "expected back"
    queued = f"queued {instance['waiting']} ({instance['waiting_octets']} octets)"
    counts = f"sent {instance['sent']}  received {instance['received']}"
    return escape(f"{name}  {where}  {queued}  {counts}  pending {instance['pending']}")


def drained(result: Outcome) -> Iterator[str]:
    """What each instance has left undone."""
    for name, count in result["unfinished"].items():
        who = f"{result['domain']}/{name}" if name else result["domain"]
        left = f"{counted(count, 'stanzas')} unfinished" if count else "nothing left undone"
        yield escape(f"{who}: drained, {left}")


def grants(result: Outcome) -> Iterator[str]:
    """What a component may do at each domain of the server, and what it may not."""
    here = f"connected ({result['connected']})" if result["connected"] else "not connected"
    by = f"bundled as {result['bundled']}" if result["bundled"] else f"[{result['table']}]"
    yield f"{result['domain']}: {by}, {here}"
    for at in result["domains"]:
        if not (at["may"] or at["may_not"]):
            yield f"at {at['domain']}: nothing is granted, its domains are others"
        for title, told in (("it may", at["may"]), ("it may not", at["may_not"])):
            if told:
                yield f"at {at['domain']} {title}"
            for each in told:
                yield escape(f"  {each['what']}  ({each['key']})")


def status(result: Outcome) -> Iterator[str]:
    """The server at a glance, then what it has refused."""
    yield f"xmppd {result['version']}, process {result['pid']}, up {duration(result['uptime'])}"
    for domain, count in result["accounts"].items():
        yield f"{domain}: {counted(count, 'accounts')}"
    for listening in result["listening"]:
        yield f"{listening['key']}: {listening['address']}"
    sessions = counted(result["sessions"], "sessions")
    servers = f"{counted(result['servers'], 'streams')} with other servers"
    yield f"{counted(result['connections'], 'connections')}, {sessions}, {servers}"
    yield f"{counted(result['routed'], 'stanzas')} from clients"
    there = [domain for domain, instances in result["components"].items() if instances]
    absent = [domain for domain in result["components"] if domain not in there]
    for state, domains in (("connected", there), ("not connected", absent)):
        if domains:
            yield f"components {state}: {', '.join(domains)}"
    for child in result["bundled"]:
        yield _child(child)
    yield from result["certificate_problems"]
    for reason, count in result["refusals"].items():
        yield f"refused {reason}: {count}"


def _child(child: Outcome) -> str:
    runs = f"process {child['pid']}" if child["pid"] else "not running"
    failed = ""
    if child["failures"]:
        times = counted(child["failures"], "times")
        failed = f", has ended {times} in a row, the last time with: {child['last_words']}"
    return escape(f"bundled {child['name']} at {child['domain']}: {runs}{failed}")


def changes(result: Outcome) -> Iterator[str]:
    """What a reload has changed."""
    yield from result["changes"] or ["read again; no key has changed"]


def finding(found: Finding) -> str:
    """One check's outcome, with the remedy, or what would make it better, if anything."""
    if found.remedy:
        return escape(f"PROBLEM  {found.subject}: {found.detail}. {found.remedy}")
    if found.hint:
        return escape(f"note     {found.subject}: {found.detail}. {found.hint}")
    return escape(f"ok       {found.subject}: {found.detail}")
