"""XMPP addresses (RFC 6120 §2.1, RFC 6122) and the escaping of their local parts (XEP-0106).

A `JID` is its own normalised text: it hashes, compares and serves as a dictionary key like
that string. Parts are prepared by Nodeprep, Nameprep and Resourceprep (RFC 6122 appendices A
and B, RFC 3491), so equal addresses are equal texts. `JID.parse` remembers what it parsed.

Code points that Unicode 3.2 did not assign are refused in local parts, which are "stored
strings" (RFC 3454 §7). Domains may hold newer ones that IDNA 2008 allows. Resource parts are
"queries": the newer letters, marks, digits, punctuation and symbols that this Python's Unicode
knows pass as they are (emoji in resources and room nicknames are common), as in the Freeform
class of RFC 8264 §4.3. Newer format characters, private ones and the like do not.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from typing import NoReturn
from unicodedata import category, ucd_3_2_0

from twisted.words.protocols.jabber import xmpp_stringprep

from xmppd.domainpart import MAX_PART, JIDError, bad_characters, check_size, prepare_domain

__all__ = [
    "JID",
    "JIDError",
    "escape_local",
    "prepare_local",
    "prepare_resource",
    "unescape_local",
]

MAX_TEXT = 3 * MAX_PART + 2
"""The most characters an address may have: three parts and two separators."""

CACHED_TEXT = 256
"""Texts of more characters than this are long: few people have them."""

CACHE_GENERATION = 4096
"""Up to twice as many addresses are remembered.

Ordinary ones take some 400 bytes each, 3 MiB in all; the worst that an outsider can choose,
256 characters outside the Basic Multilingual Plane, near 5 KiB, 40 MiB in all.
"""

CACHED_LONG = 128
"""How many long addresses are remembered: the worst take 40 KiB, 5 MiB in all. To prepare one that
is not of ASCII takes two milliseconds, and it stands in every stanza of who has it."""

# --- preparation of the parts -----------------------------------------------------------------

_NEWER = "LMNPS"
"""First letters of the general categories that a resource may have of newer code points."""
_IGNORABLE = re.compile("[\u180f\U000e0100-\U000e01ef]")
"""Newer variation selectors: marks that nobody sees (RFC 8264 §9.13). Older ones map to nothing."""

# What the profiles leave of ASCII after lower-casing; a property test holds them equal.
_PLAIN_LOCAL = re.compile(r"[^\x00-\x20\x7f-\U0010ffff\"&'/:<>@]+")
_PLAIN_RESOURCE = re.compile(r"[\x20-\x7e]+")

_nodeprep: Callable[[str], str] = xmpp_stringprep.nodeprep.prepare
_resourceprep: Callable[[str], str] = xmpp_stringprep.Profile(
    mappings=xmpp_stringprep.resourceprep.mappings,
    prohibiteds=xmpp_stringprep.resourceprep.prohibiteds,
    check_unassigneds=False,
).prepare


def prepare_local(text: str) -> str:
    """Return the local part in normal form (Nodeprep, RFC 6122 appendix A); raises JIDError."""
    if len(text) <= MAX_PART and _PLAIN_LOCAL.fullmatch(text):
        return text.lower()
    check_size(text, "local")
    try:
        prepared = _nodeprep(text)
    except UnicodeError:
        bad_characters("local")
    check_size(prepared, "local")
    return prepared


def prepare_resource(text: str) -> str:
    """Return the resource part in normal form (Resourceprep, RFC 6122 appendix B).

    Raises JIDError. Case and inner spaces stay as they are, and so do the characters newer than
    Unicode 3.2 that pass (see above).
    """
    if len(text) <= MAX_PART and _PLAIN_RESOURCE.fullmatch(text):
        return text
    check_size(text, "resource")
    try:
        prepared = _resourceprep(text)
    except UnicodeError:
        bad_characters("resource")
    newer = [c for c in prepared if ucd_3_2_0.category(c) == "Cn"]
    if newer:
        _check_newer("".join(newer))
    check_size(prepared, "resource")
    return prepared


def _check_newer(text: str) -> None:
    """Refuse code points newer than Unicode 3.2 that no resource may have; raises JIDError."""
    if any(category(c)[0] not in _NEWER for c in text) or _IGNORABLE.search(text):
        bad_characters("resource")


# --- the address ------------------------------------------------------------------------------


class JID(str):
    """An XMPP address in normal form; immutable, as it is shared. `JID(text)` parses, too.

    `local` and `resource` are "" where the address has none. `attr` is the address in UTF-8
    with `&`, `<`, `>` and `'` escaped, ready to stand between single quotes in a start tag.
    """

    __slots__ = ("_bare", "attr", "domain", "local", "resource")

    local: str
    domain: str
    resource: str
    attr: bytes
    _bare: JID | None  # None in a bare JID: a reference to itself would be a cycle

    def __new__(cls, text: str) -> JID:
        """Parse the text; raises JIDError."""
        return JID.parse(text)

    @staticmethod
    def parse(text: str) -> JID:
        """Return the address that the text spells, and remember it for a while.

        Raises JIDError. Splits at the first `/`, then at the first `@` (the steps are spelled
        out in RFC 7622 §3.2), so a resource may hold both.
        """
        return _recent[text]

    @staticmethod
    def of(local: str, domain: str, resource: str = "") -> JID:
        """Return the address of the parts, each prepared; "" for an absent one.

        Raises JIDError.
        """
        jid = _new_bare(prepare_local(local) if local else "", prepare_domain(domain))
        return jid.with_resource(resource) if resource else jid

    @staticmethod
    def prepared(local: str, domain: str) -> JID:
        """Return the bare JID of parts that are in normal form, as a store has them.

        It is not remembered: a roster of thousands would push out what is in use.
        """
        known = _recent.get(f"{local}@{domain}" if local else domain)
        return _new_bare(local, domain) if known is None else known

    @property
    def bare(self) -> JID:
        """The address without its resource; itself where it has none."""
        return self._bare or self

    @property
    def is_bare(self) -> bool:
        """Whether the address has no resource."""
        return self._bare is None

    def with_resource(self, resource: str) -> JID:
        """Return the full JID of this account and the resource, prepared.

        Raises JIDError, also for an empty resource.
        """
        return _new_full(self._bare or self, prepare_resource(resource))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a JID is immutable: {name}")

    def __reduce__(self) -> tuple[type[JID], tuple[str]]:
        return JID, (str(self),)

    def __copy__(self) -> JID:
        return self

    def __deepcopy__(self, memo: object) -> JID:
        return self


_set = object.__setattr__


def _new_bare(local: str, domain: str) -> JID:
    """Return the bare JID of prepared parts."""
    jid = str.__new__(JID, f"{local}@{domain}" if local else domain)
    _set(jid, "local", local)
    _set(jid, "domain", domain)
    _set(jid, "resource", "")
    _set(jid, "attr", jid.encode())  # Nodeprep and IDNA leave nothing to escape
    _set(jid, "_bare", None)
    return jid


def _new_full(bare: JID, resource: str) -> JID:
    """Return the full JID of a bare one and a prepared resource."""
    jid = str.__new__(JID, f"{bare}/{resource}")
    _set(jid, "local", bare.local)
    _set(jid, "domain", bare.domain)
    _set(jid, "resource", resource)
    escaped = resource.translate(_ESCAPES) if _SPECIAL.search(resource) else resource
    _set(jid, "attr", b"%b/%b" % (bare.attr, escaped.encode()))
    _set(jid, "_bare", bare)
    return jid


_SPECIAL = re.compile("[&<>']")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&apos;"})


def _parse(text: str) -> JID:
    """Return the address that the text spells; raises JIDError."""
    if len(text) > MAX_TEXT:
        raise JIDError(f"the address is longer than {MAX_TEXT} characters")
    bare, slash, resource = text.partition("/")
    if slash:
        # The account's bare JID is then shared by all its resources.
        return _new_full(_recent[bare], prepare_resource(resource))
    local, at, domain = text.partition("@")
    if at:
        return _new_bare(prepare_local(local), prepare_domain(domain))
    return _new_bare("", prepare_domain(text))


class _Recent(dict[str, JID]):
    """What was parsed lately, in two generations: a hit costs one dictionary look-up.

    When the young generation is full it becomes the old one and what that held is forgotten,
    save what was looked up meanwhile. Long ones stand apart. Failures are not remembered.
    """

    def __init__(self) -> None:
        super().__init__()
        self.old: dict[str, JID] = {}
        self.long: OrderedDict[str, JID] = OrderedDict()

    def __missing__(self, text: str) -> JID:
        if isinstance(text, JID):
            return text
        if len(text) > CACHED_TEXT:
            return self._long(text)
        jid = self.old.pop(text, None) or _parse(text)
        if len(self) >= CACHE_GENERATION:
            self.old = dict(self)
            self.clear()
        self[text] = jid
        return jid

    def _long(self, text: str) -> JID:
        jid = self.long.get(text)
        if jid is not None:
            self.long.move_to_end(text)
            return jid
        jid = self.long[text] = _parse(text)
        if len(self.long) > CACHED_LONG:
            self.long.popitem(last=False)
        return jid


_recent = _Recent()


# --- XEP-0106: JID Escaping -------------------------------------------------------------------

_DISALLOWED = {c: f"\\{ord(c):02x}" for c in " \"&'/:<>@\\"}
_ALLOWED = {escape: c for c, escape in _DISALLOWED.items()}
_CODES = "20|22|26|27|2f|3a|3c|3e|40|5c"
# Nodeprep lower-cases: `\2F` left alone would arrive as an escaped slash, so case is ignored.
_TO_ESCAPE = re.compile(rf"[ \"&'/:<>@]|\\(?={_CODES})", re.IGNORECASE)
_TO_UNESCAPE = re.compile(rf"(?!\A\\20|\\20\Z)\\(?:{_CODES})")


def escape_local(text: str) -> str:
    """Return the text as a local part, the characters Nodeprep forbids escaped (XEP-0106 §4).

    A backslash is escaped only where it begins what reads as an escape sequence. Raises
    JIDError where the result would begin or end with an escaped space (XEP-0106 §4.1). The
    result is not prepared yet.
    """
    if text[:1] == " " or text[-1:] == " ":
        raise JIDError("the local part begins or ends with a space")
    return _TO_ESCAPE.sub(lambda match: _DISALLOWED[match[0]], text)


def unescape_local(text: str) -> str:
    r"""Return the local part as people write it (XEP-0106 §3.3); never compare by the result.

    Sequences that stand for no disallowed character stay (§4.3), and so does `\20` at either
    end, where it is no escape (§4.1): a name shown with an outer space would pass for another.
    """
    return _TO_UNESCAPE.sub(lambda match: _ALLOWED[match[0]], text)
