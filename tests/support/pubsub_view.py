"""What has come to somebody about a node, as the model of it says the same (`pubsub_values.Event`).

What a notification has to have, whatever it tells of, is looked at here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from xml.etree.ElementTree import Element

from tests.support.people import C
from tests.support.pubsub import NS, PUBSUB, E, P
from tests.support.pubsub_values import Event, Told, account_of
from tests.support.server import DOMAIN
from xmppd import ns

PLAY = "urn:example:play"
_SHIM = "{http://jabber.org/protocol/shim}"
_DELAY = f"{{{ns.DELAY}}}delay"
_X = f"{{{ns.DATA_FORM}}}"
_ADDRESSES = f"{{{ns.ADDRESS}}}addresses"


def short(jid: str) -> str:
    """A JID without the server's domain."""
    return jid.replace(f"@{DOMAIN}", "")


def aside(stanza: Element) -> bool:
    """Whether it has nothing to do with nodes: presence, and pushes of rosters."""
    pushed = stanza.tag == f"{C}iq" and stanza.get("type") == "set"
    return pushed or stanza.tag == f"{C}presence"


def event(message: Element, service: str, node: str) -> Event:
    """What a message tells of a node."""
    assert message.tag == f"{C}message", f"{message.tag} has come"
    assert message.get("type") != "error", "an error has come"
    asked = message.find(f"{_X}x")
    sender = service if asked is None else PUBSUB  # whom alone an answer reaches
    assert message.get("from") == sender, f"a message from {message.get('from')}"
    if asked is not None:
        return _asked(asked, node)
    assert message.get("id"), "a notification has an id (§7.1.2, §13.4)"
    ranks = message.find(f"{P}pubsub/{P}affiliations")
    if ranks is not None:
        return _affiliation(ranks, node)
    [found] = message.findall(f"{E}event")
    [told] = found
    kind = told.tag.removeprefix(E)
    headers = _headers(message)
    assert told.get("node") == node, f"an event of {told.get('node')}"
    if kind == "items":
        return _items(message, told, headers)
    assert not headers, "§13.16: the content does not differ by subscription"
    if kind == "subscription":
        jid = account_of(short(told.get("jid", "")))
        return ("subscription", jid, told.get("subscription"), ())
    if kind == "configuration":
        return ("configuration", told.find(f"{_X}x") is not None, ())
    assert kind in ("purge", "delete"), f"an event that is called {kind}"
    assert not len(told)
    return (kind, ())


def publication(message: Element) -> bool:
    """Whether it tells of what has been published at this moment, not of a last item (§7.1.2)."""
    gone = message.findall(f"{E}event/{E}items/{E}retract")
    items = message.find(f"{E}event/{E}items")
    return items is not None and not gone and message.find(_DELAY) is None


def reply(message: Element) -> str:
    """Where replies to it go (XEP-0033 §4.6.4), "" where that is not said. Nothing else is."""
    found = [dict(each.attrib) for header in message.iterfind(_ADDRESSES) for each in header]
    jid = found[0].get("jid", "") if found else ""
    assert found == ([{"type": "replyto", "jid": jid}] if found else [])
    return short(jid)


def _headers(message: Element) -> tuple[str, ...]:
    """The ids of the subscriptions that a message is for (§7.1.2.4)."""
    found = message.findall(f"{_SHIM}headers")
    if not found:
        return ()
    assert message[-1] is found[0], "§7.1.2.4: they are the last child"
    return tuple(sorted(each.text or "" for each in found[0] if each.get("name") == "SubID"))


def _items(message: Element, told: Element, headers: tuple[str, ...]) -> Event:
    gone = tuple(each.get("id", "") for each in told.findall(f"{E}retract"))
    if gone:
        assert len(gone) == len(told)
        return ("retract", gone, headers)
    found = tuple(item(each) for each in told.findall(f"{E}item"))
    assert len(found) == len(told)
    if message.find(_DELAY) is not None:
        return ("last", found, headers)
    return ("items", found, headers)


def item(element: Element) -> Event:
    """An item: its id, what its payload says, and who has published it, if that is said."""
    payload = element.find(f"{{{PLAY}}}act")
    text = None if payload is None else payload.text
    assert len(element) <= 1
    return (element.get("id", ""), text, account_of(short(element.get("publisher", ""))))


def items(answer: Element) -> list[Event]:
    """Those of an answer (§6.5)."""
    return [item(each) for each in answer.iterfind(f"{P}pubsub/{P}items/{P}item")]


def _affiliation(told: Element, node: str) -> Event:
    assert told.get("node") == node
    [each] = told
    return ("affiliation", short(each.get("jid", "")), each.get("affiliation"), ())


def _asked(x: Element, node: str) -> Event:
    """A form that asks an owner (§8.6)."""
    fields = {each.get("var"): each.findtext(f"{_X}value", "") for each in x.iter(f"{_X}field")}
    assert fields["FORM_TYPE"] == f"{NS}#subscribe_authorization"
    assert fields["pubsub#node"] == node
    assert fields["pubsub#allow"] in ("0", "false", ""), "nobody is let in by mistake"
    return ("asks", short(fields["pubsub#subscriber_jid"]), ())


def compare(told: Told, came: dict[str, list[Event]], there: Collection[str]) -> None:
    """Hold what has come to sessions against what they were to be told; some are `there`."""
    reached = set()
    for session, events in came.items():
        missing = Counter(told.must[session]) - Counter(events)
        assert not missing, f"{session} was not told {list(missing)}, but {events}"
        left = [letter for letter in (*told.letters, *told.may) if _for(letter[0], session)]
        for each in (Counter(events) - Counter(told.must[session])).elements():
            if each[0] == "last" and told.again.get(session) == each[1]:
                continue
            letter = next((letter for letter in left if letter[1] == each), None)
            assert letter, f"{session} was told {each}, besides {told.must[session]}"
            left.remove(letter)
            reached.add(letter)
    for jid, each in told.letters:
        if any(_for(jid, session) for session in there):
            assert (jid, each) in reached, f"{jid} was not told {each}"


def _for(jid: str, session: str) -> bool:
    return jid in (session, account_of(session))
