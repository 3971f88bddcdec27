"""What is told of other servers, as a person reads it."""

from __future__ import annotations

from collections.abc import Container, Iterator

from xmppd.admin.display import counted, duration, moment, refusals
from xmppd.admin.operated import Outcome
from xmppd.process.logs import escape

ARROWS = {"out": "->", "in": "<-", "both": "<->"}
"""Which way stanzas pass, from our domains to theirs."""

STATES = {"open": "", "asking": "  for questions only", "negotiating": "  not yet open"}

OFF = "other servers are not talked to: [s2s] enabled is false"


# ---------------------------------------------------------------------- the list


def links(result: Outcome) -> Iterator[str]:
    """Two lines of each stream, then one of each domain that waits or could not be reached."""
    if not result["enabled"]:
        yield OFF
    for link in result["links"]:
        yield escape(_link(link))
        yield escape(f"    {_proofs(link)}")
    if len(result["links"]) < result["streams"]:
        yield f"these are {len(result['links'])} of {result['streams']} streams"
    elif result["enabled"] and not result["links"]:
        yield f"no stream with {result['domain'] or 'another server'}"
    for domain in result["domains"]:
        yield from _reaching(domain)


def _link(link: Outcome) -> str:
    ours, theirs = (",".join(filter(None, link[side])) or "?" for side in ("local", "remote"))
    more = f" and {link['more']} more" if link["more"] else ""
    who = f"{ours} {ARROWS[link['direction']]} {theirs}{more}{STATES[link['state']]}"
    times = f"{duration(link['seconds'])}  idle {duration(link['idle_seconds'])}"
    counts = f"sent {link['sent']}  received {link['received']}"
    waits = f"unacknowledged {link['unacknowledged']}" if link["managed"] else "not acknowledged"
    where = f"{'from' if link['incoming'] else 'at'} {link['address'] or 'an unknown address'}"
    return f"{who}  {where}  {times}  {counts}  {waits}  unsent {link['unsent']} octets"


def _proofs(link: Outcome) -> str:
    tls = f"{link['tls']} {link['cipher']}" if link["tls"] else "no TLS"
    theirs = link["theirs"] or "nothing"
    ours = link["ours"] or "nothing"
    name = f"  id {link['id']}" if link["id"] else ""
    return f"{tls}  they have shown: {theirs}  we have shown: {ours}{name}"


def _reaching(domain: Outcome) -> Iterator[str]:
    """What waits for a domain, whether it is being reached, and when it is tried again."""
    name = domain["domain"]
    if domain["waiting"] or domain["trying"]:
        state = "is being reached" if domain["trying"] else "is not being reached now"
        yield escape(f"{name}  {state}  {counted(domain['waiting'], 'stanzas')} waiting")
    if domain["failures"]:
        times = counted(domain["failures"], "attempts")
        retry = domain["retry"]
        again = f"not tried again before {moment(retry)}" if retry else "tried again with the next"
        yield escape(f"{name}  {times} in vain  {again}{_briefly(domain['error'])}")


def _briefly(error: Outcome | None) -> str:
    return "" if error is None else f"  {error['reason']}: {error['meaning']}"


def closed(result: Outcome) -> Iterator[str]:
    """How many streams have ended."""
    yield f"{result['domain']}: {counted(result['closed'], 'streams')} closed"


# ---------------------------------------------------------------------- one domain


def why(result: Outcome) -> Iterator[str]:
    """What was refused; of a domain elsewhere, what holds for it and how reaching it went."""
    yield from refusals(result)
    elsewhere = result["elsewhere"]
    if elsewhere is None:
        return
    yield from _policy(elsewhere)
    yield f"{elsewhere['domain']}: {counted(elsewhere['links'], 'streams')} with it now"
    if elsewhere["attempt"]:
        yield f"the last attempt, {moment(elsewhere['attempt'][0]['at'])}:"
        yield from _attempt(elsewhere, {refusal["reason"] for refusal in result["refusals"]})
    elif elsewhere["links"]:
        yield "it has connected to us: no attempt to reach it was needed"
    elif not elsewhere["policy"]["refusal"]:
        command = f"xmppctl s2s-try {elsewhere['domain']}"
        yield f"nothing has been sent there since the start: to see whether it can be, `{command}`"
    yield from _reaching({**elsewhere, "error": None})


def tried(result: Outcome) -> Iterator[str]:
    """How an attempt went that an operator has had made."""
    yield from _policy(result)
    domain, error = result["domain"], result["error"]
    if result["reached"] and result["carried"]:
        command = f"xmppctl s2s-close {domain}"
        yield f"there is a stream already; for a new attempt `{command}` first"
        if result["attempt"]:
            yield f"the last attempt, {moment(result['attempt'][0]['at'])}:"
    yield from _steps(result["attempt"])
    if result["waits"]:
        yield f"{domain}: not reached yet; the attempt goes on, see `xmppctl why {domain}`"
    elif error is not None:
        if not result["policy"]["refusal"]:
            yield from _failure(error)
        yield f"{domain}: not reached"
    else:
        yield f"{domain}: reached, stanzas may be sent from {result['local']}"


def _policy(elsewhere: Outcome) -> Iterator[str]:
    domain, policy = elsewhere["domain"], elsewhere["policy"]
    if policy["refusal"]:
        meaning, remedy = policy["meaning"], policy["remedy"]
        by = f" ({policy['refusal_key']})" if policy["refusal_key"] else ""
        told = f"{policy['refusal']}{by}: {meaning}. What to do: {remedy}"
        yield f"{domain}: no traffic with it: {told}"
        return
    way = "found by DNS"
    if policy["route_key"]:
        places = ", ".join(policy["route"]) or "nowhere"
        way = f"reached at {places} ({policy['route_key']})"
    yield f"{domain}: require = {policy['require']} ({policy['require_key']}), {way}"


def _attempt(elsewhere: Outcome, explained: Container[str]) -> Iterator[str]:
    """Each step, then why it came to nothing, if it did and that is not `explained` already."""
    yield from _steps(elsewhere["attempt"])
    error = elsewhere["error"]
    if error is not None and error["reason"] not in explained:
        yield from _failure(error)


def _steps(steps: list[Outcome]) -> Iterator[str]:
    """Each step with the seconds since the first."""
    for step in steps:
        failed = "" if step["ok"] else "FAILED  "
        seconds = step["at"] - steps[0]["at"]
        yield escape(f"  {seconds:6.2f}s  {step['what']:<11}  {failed}{step['said']}")


def _failure(error: Outcome) -> Iterator[str]:
    yield escape(f"{error['reason']}: {error['meaning']}. What to do: {error['remedy']}")
