"""Privacy lists and blocklists as clients write and read them (XEP-0016, XEP-0191)."""

from __future__ import annotations

from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from tests.support.server import Client, condition
from xmppd import ns

P = f"{{{ns.PRIVACY}}}"
B = f"{{{ns.BLOCKING}}}"
NAMES = f"<query xmlns='{ns.PRIVACY}'/>"
BLOCKLIST = f"<blocklist xmlns='{ns.BLOCKING}'/>"


def rule(order: int, action: str = "deny", kinds: str = "", **named: str) -> str:
    """An item: ``rule(1, "deny", "message iq", jid="tybalt@capulet.lit")``."""
    where = "".join(f" type='{t}' value={quoteattr(v)}" for t, v in named.items())
    inner = "".join(f"<{kind}/>" for kind in kinds.split())
    return f"<item{where} action='{action}' order='{order}'>{inner}</item>"


def query(inner: str) -> str:
    return f"<query xmlns='{ns.PRIVACY}'>{inner}</query>"


def listed(name: str, *rules: str) -> str:
    """The payload that sets a list, or gets or removes it where there are no rules."""
    return query(f"<list name={quoteattr(name)}>{''.join(rules)}</list>")


def named(verb: str, name: str | None = None) -> str:
    """The payload that has a list apply: active or default; None to decline."""
    return query(f"<{verb}/>" if name is None else f"<{verb} name={quoteattr(name)}/>")


def do(client: Client, payload: str) -> str:
    """Set something; the condition of the error, "" where it is done."""
    answer = client.ask(payload, "set")
    assert answer.get("type") == ("error" if condition(answer) else "result")
    return condition(answer)


def put_list(client: Client, name: str, *rules: str, apply: str = "") -> None:
    """Have a list, and have it apply where `apply` is active or default."""
    assert not do(client, listed(name, *rules))
    if apply:
        assert not do(client, named(apply, name))


def names(client: Client) -> list[tuple[str, str | None]]:
    """Which lists there are, and which apply."""
    return [(e.tag.removeprefix(P), e.get("name")) for e in client.ask(NAMES)[0]]


def rules_of(client: Client, name: str) -> list[tuple[dict[str, str], list[str]]]:
    """The rules of a list, as attributes and kinds."""
    found = client.ask(listed(name))[0][0]
    assert found.get("name") == name
    return [(dict(e.attrib), [kind.tag.removeprefix(P) for kind in e]) for e in found]


def block(*jids: str, verb: str = "block") -> str:
    items = "".join(f"<item jid={quoteattr(jid)}/>" for jid in jids)
    return f"<{verb} xmlns='{ns.BLOCKING}'>{items}</{verb}>"


def unblock(*jids: str) -> str:
    return block(*jids, verb="unblock")


def blocklist(client: Client) -> list[str | None]:
    answer = client.ask(BLOCKLIST)[0]
    assert answer.tag == f"{B}blocklist"
    return [item.get("jid") for item in answer]


def pushes(client: Client) -> list[tuple[str, ...]]:
    """What was pushed since: ("list", name) and ("block" or "unblock", jid, ...)."""
    return [_push(e) for e in client.elements() if e.get("type") == "set"]


def _push(element: Element) -> tuple[str, ...]:
    payload = element[0]
    if payload.tag == f"{P}query":
        (told,) = payload
        return (told.tag.removeprefix(P), told.get("name", ""))
    return (payload.tag.removeprefix(B), *(item.get("jid", "") for item in payload))
