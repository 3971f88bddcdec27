"""Results of commands as a person reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from xmppd.admin.checks import Finding
from xmppd.admin.commands import Outcome
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
        yield f"nothing is remembered of {result['subject']}"
    reasons = {}
    times: dict[str, list[float]] = {}
    for refusal in result["refusals"]:
        reasons[refusal["reason"]] = refusal["meaning"], refusal["remedy"]
        told = _refusal(refusal)
        times[told] = [*times.pop(told, ()), refusal["when"]]
    for told, when in times.items():
        repeated = f"  ({len(when)} times since {moment(when[0])})" if len(when) > 1 else ""
        yield f"{moment(when[-1])}  {told}{repeated}"
    for reason, (meaning, remedy) in reasons.items():
        yield f"{reason}: {meaning}. What to do: {remedy}"


def _refusal(refusal: Outcome) -> str:
    parts = [refusal["reason"], refusal["who"] or "-"]
    parts += [f"to {refusal['target']}"] if refusal["target"] else []
    parts += [f"from {refusal['address']}"] if refusal["address"] else []
    parts += [f"({refusal['detail']})"] if refusal.get("detail") else []
    return escape("  ".join(parts))


def status(result: Outcome) -> Iterator[str]:
    """The server at a glance, then what it has refused."""
    yield f"xmppd {result['version']}, process {result['pid']}, up {duration(result['uptime'])}"
    for domain, count in result["accounts"].items():
        yield f"{domain}: {counted(count, 'accounts')}"
    for listening in result["listening"]:
        yield f"{listening['key']}: {listening['address']}"
    sessions = counted(result["sessions"], "sessions")
    yield f"{counted(result['connections'], 'connections')}, {sessions}"
    yield f"{counted(result['routed'], 'stanzas')} from clients"
    yield from result["certificate_problems"]
    for reason, count in result["refusals"].items():
        yield f"refused {reason}: {count}"


def changes(result: Outcome) -> Iterator[str]:
    """What a reload has changed."""
    yield from result["changes"] or ["read again; no key has changed"]


def finding(found: Finding) -> str:
    """One check's outcome, with the remedy where there is one."""
    if found.remedy:
        return escape(f"PROBLEM  {found.subject}: {found.detail}. {found.remedy}")
    return escape(f"ok       {found.subject}: {found.detail}")
