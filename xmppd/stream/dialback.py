"""Server Dialback: its keys and its elements (XEP-0220, XEP-0185), without any I/O.

Of each exchange there are three parties. `remote` is always the other server's domain and `local`
one of ours, whoever plays which part.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal, NamedTuple, TypeAlias

from xmppd import ns
from xmppd.errors import StreamError
from xmppd.jid import JID, JIDError
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Nonza

RESULT = f"{ns.DIALBACK} result"
VERIFY = f"{ns.DIALBACK} verify"

Outcome: TypeAlias = Literal["valid", "invalid", "error"]
OUTCOMES: tuple[Outcome, ...] = ("valid", "invalid", "error")

LONGEST_KEY = 255
"""Characters of a key that others have made: they may be made in any way (XEP-0220 §2.1.1)."""

LONGEST_ID = 255
"""Characters of a stream's id that we are asked about: it is in our answer."""


def secret_key(secret: str) -> bytes:
    """What keys are made with: the secret's hash in hexadecimal (XEP-0185 §2)."""
    return hashlib.sha256(secret.encode()).hexdigest().encode()


def make_key(secret: bytes, receiving: str, originating: str, stream_id: str) -> str:
    """The key by which `originating` shows `receiving` that it is itself (XEP-0185 §2).

    `secret` is that of `secret_key`. The fields have spaces between them, which no domain can
    hold, so that no two triples make the same text.
    """
    text = f"{receiving} {originating} {stream_id}"
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def is_key(secret: bytes, said: str, receiving: str, originating: str, stream_id: str) -> bool:
    """Whether `said` is that key, in time that does not tell how much of it is right."""
    expected = make_key(secret, receiving, originating, stream_id)
    return hmac.compare_digest(said.encode(), expected.encode())


class Dialback(NamedTuple):
    """A `<db:result/>` or `<db:verify/>` that came (XEP-0220 §2.1, §2.2).

    `outcome` is "" for a request, which has a `key`. `condition` says what was wrong where the
    outcome is "error" (§2.5). `stream_id` is the `id` of `<db:verify/>`.
    """

    remote: str
    local: str
    outcome: Outcome | Literal[""]
    key: str = ""
    condition: str = ""
    stream_id: str = ""


def read(nonza: Nonza) -> Dialback:
    """What an element says. Raises StreamError."""
    attrs = nonza.attrs
    remote, local = _domain(attrs.get("from", "")), _domain(attrs.get("to", ""))
    said, stream_id = attrs.get("type", ""), attrs.get("id", "")
    if nonza.name == VERIFY and not 0 < len(stream_id) <= LONGEST_ID:
        raise StreamError("bad-format", "the id of a stream is wanted", reason="s2s.malformed")
    outcome = next((each for each in OUTCOMES if each == said), None)
    if said and outcome is None:
        raise StreamError("bad-format", "valid, invalid or error", reason="s2s.malformed")
    if outcome is not None:
        condition = _condition(nonza) if outcome == "error" else ""
        return Dialback(remote, local, outcome, "", condition, stream_id)
    key = nonza.text.strip()
    if not key or len(key) > LONGEST_KEY:
        raise StreamError("bad-format", "a key is wanted", reason="s2s.malformed")
    return Dialback(remote, local, "", key, "", stream_id)


def _domain(text: str) -> str:
    """The prepared domain in an attribute that has to hold one."""
    try:
        jid = JID.parse(text)
    except JIDError:
        raise StreamError("improper-addressing", reason="s2s.addressing", detail=text) from None
    if jid != jid.domain:
        raise StreamError("improper-addressing", reason="s2s.addressing", detail=text)
    return jid.domain


def _condition(nonza: Nonza) -> str:
    """The stanza error condition inside (§2.5), "" where there is none."""
    space = f"{{{ns.STANZA_ERRORS}}}"
    for element in nonza.element.iter():
        if element.tag.startswith(space) and element.tag != f"{space}text":
            return element.tag.removeprefix(space)[:64]
    return ""


def request(local: str, remote: str, key: str) -> bytes:
    """Step 1: may we send from `local` to `remote`?"""
    return Tag("db:result", {"from": local, "to": remote}, key).render()


def result(local: str, remote: str, outcome: Outcome, condition: str = "") -> bytes:
    """Step 4: whether `remote` may send to `local`."""
    attrs = {"from": local, "to": remote, "type": outcome}
    return Tag("db:result", attrs, _error(condition)).render()


def ask(local: str, remote: str, stream_id: str, key: str) -> bytes:
    """Step 2: has `remote` made this key, for a stream to `local` that has this id?"""
    return Tag("db:verify", {"from": local, "to": remote, "id": stream_id}, key).render()


def word(local: str, remote: str, stream_id: str, outcome: Outcome, condition: str = "") -> bytes:
    """Step 3: whether `local` has made the key that `remote` was given."""
    attrs = {"from": local, "to": remote, "id": stream_id, "type": outcome}
    return Tag("db:verify", attrs, _error(condition)).render()


def _error(condition: str) -> list[Tag]:
    if not condition:
        return []
    return [Tag("error", {"type": "cancel"}, [Tag(condition, ns=ns.STANZA_ERRORS)])]


FEATURE = Tag("dialback", {}, [Tag("errors")], ns=ns.DIALBACK_FEATURE).render()
"""Errors of dialback do not end the stream (XEP-0220 §2.4.2)."""
