"""The domain part of an address, and what its other parts have in common with it.

Domains are names of the DNS (RFC 6122 §2.2), prepared by Nameprep (RFC 3491) and, where they are
not ASCII, valid by IDNA 2008 (RFC 5891); or IP addresses.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address
from typing import NoReturn
from unicodedata import ucd_3_2_0

import idna
from twisted.words.protocols.jabber import xmpp_stringprep

MAX_PART = 1023
"""The most UTF-8 bytes a part may have (RFC 6122 §2.2 to §2.4)."""

MAX_DNS_NAME = 253
"""The most characters of a domain name in ASCII form (RFC 1035 §2.3.4)."""

MAX_LABEL = 63
"""The most characters of a label in ASCII form (RFC 1035 §2.3.4)."""


class JIDError(ValueError):
    """The text is no valid address. `problem` names the part and what is wrong with it."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


# What Nameprep leaves of ASCII after lower-casing; a property test holds them equal.
_LABEL = r"(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PLAIN_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")

_DOTS = re.compile("[.\u3002\uff0e\uff61]")  # RFC 3490 §3.1
_NOTHING = re.compile("[\u00ad\u034f\u1806\u180b-\u180d\u200b-\u200d\u2060\ufe00-\ufe0f\ufeff]")
"""What Nameprep maps to nothing (RFC 3454 appendix B.1)."""

_nameprep: Callable[[str], str] = xmpp_stringprep.nameprep.nameprep  # of one label, with STD 3


def check_size(text: str, part: str) -> None:
    """Refuse a part that is empty or too long, or would be once compatibility forms expand.

    Some code points expand eighteenfold under NFKC; measuring the result first keeps the
    per-character work of the profiles bounded. Raises JIDError.
    """
    if not text:
        raise JIDError(f"the {part} part is empty")
    try:
        size = len(text.encode())
        if size <= MAX_PART and not text.isascii():
            size = len(ucd_3_2_0.normalize("NFKC", text).encode())
    except UnicodeEncodeError:
        raise JIDError(f"the {part} part has a lone surrogate") from None
    if size > MAX_PART:
        raise JIDError(f"the {part} part is longer than {MAX_PART} bytes")


def bad_characters(part: str) -> NoReturn:
    """Refuse the part (local, domain or resource) for its characters: raises JIDError."""
    raise JIDError(f"the {part} part has characters that are not allowed there") from None


def prepare_domain(text: str) -> str:
    """Return the domain part in normal form (RFC 6122 §2.2); raises JIDError.

    A name that the DNS could not hold, of more than 253 characters, is refused. Labels are
    Nameprep'd letters, digits and hyphens or IDNA U-labels, an `xn--` label being turned into
    its U-label; one trailing dot is dropped. IPv4 addresses and IPv6 addresses in brackets pass.
    An A-label whose U-label Nameprep would turn into another domain's (`ß`, `ς`,
    joiners) stays an A-label, as RFC 3490 §4.2 says; typed in Unicode, such a name means what
    Nameprep makes of it.
    """
    prepared, problem = _prepared_domain(text)
    if problem:
        raise JIDError(problem)
    return prepared


@lru_cache(1024)
def _prepared_domain(text: str) -> tuple[str, str]:
    """The normal form of a domain, or "" and what is wrong with it: that is remembered, too."""
    plain = text.lower() if len(text) <= MAX_DNS_NAME and text.isascii() else ""
    if plain and _PLAIN_DOMAIN.fullmatch(plain):
        return plain, ""
    try:
        return _prepare_rare_domain(text), ""
    except JIDError as error:
        return "", error.problem


def _prepare_rare_domain(text: str) -> str:
    """Return the normal form of a domain by the full rules; raises JIDError.

    Nameprep and IDNA take microseconds a character, and a stranger chooses how many there are:
    so what is wrong with any label is looked for in all of them before the next, dearer step.
    """
    check_size(text, "domain")
    if text[0] == "[":
        return _prepare_ipv6(text)
    labels = _labels(text)
    _check_labels(labels, _labels(_folded(text)))
    prepared = [_nameprepped(label) for label in labels]
    return ".".join([_prepare_label(label) for label in prepared])


def _labels(text: str) -> list[str]:
    """Split a domain at its dots; one at the end is dropped."""
    labels = _DOTS.split(text)
    return labels[:-1] if not labels[-1] and len(labels) > 1 else labels


def _folded(text: str) -> str:
    """Make cheaply what has as many characters as the normal form of a domain, or fewer."""
    folded: str = _NOTHING.sub("", text)
    for _ in range(2):  # folding case may leave marks that compose only now
        folded = ucd_3_2_0.normalize("NFKC", folded.casefold())
    return folded


def _check_labels(labels: list[str], folded: list[str]) -> None:
    """Refuse what no domain can be, whatever IDNA has to say of its labels; raises JIDError.

    Lengths count as in ASCII form: a label that is not ASCII is at least `xn--` and a character
    for each of its own (RFC 3492 §3).
    """
    if "" in labels or "" in folded:
        raise JIDError("the domain part has an empty label")
    if any(label[0] == "-" or label[-1] == "-" for label in folded):
        raise JIDError("the domain part has a label that begins or ends with a hyphen")
    sizes = [len(label) + (0 if label.isascii() else len("xn--")) for label in folded]
    if max(sizes) > MAX_LABEL:
        raise JIDError(f"the domain part has a label longer than {MAX_LABEL} characters")
    if sum(sizes) + len(sizes) - 1 > MAX_DNS_NAME:
        raise JIDError(f"the domain part is longer than {MAX_DNS_NAME} characters in ASCII")


def _prepare_ipv6(text: str) -> str:
    try:
        if text[-1] == "]" and "%" not in text:
            return f"[{IPv6Address(text[1:-1])}]"
    except ValueError:
        pass  # the same answer as for a missing bracket
    raise JIDError("the domain part is no IPv6 address in brackets")


def _nameprepped(label: str) -> str:
    """Apply Nameprep to one label; raises JIDError."""
    try:
        return _nameprep(label)
    except (UnicodeError, IndexError):  # IndexError: nothing was left of the label
        bad_characters("domain")


def _prepare_label(label: str) -> str:
    """Return a nameprepped label: ASCII, a U-label, or an A-label with no stable U-label."""
    try:
        if label.startswith("xn--"):
            return _unicode_label(label)
        if not label.isascii():
            idna.alabel(label)
    except ValueError:
        raise JIDError("the domain part has a label that IDNA does not allow") from None
    return label


def _unicode_label(label: str) -> str:
    """Return the U-label of an A-label, or the A-label where Nameprep would change it.

    Raises ValueError for what is no A-label.
    """
    unicode_label = idna.ulabel(label)
    try:
        stable = _nameprep(unicode_label) == unicode_label
    except UnicodeError:
        stable = False
    return unicode_label if stable else label


@lru_cache(1024)
def domain_to_ascii(domain: str) -> str:
    """Return the domain as DNS and TLS want it: A-labels (RFC 5891), prepared, no trailing dot.

    An IP literal comes back as it is, brackets included. Raises JIDError where the domain is
    invalid or longer than 253 characters in that form.
    """
    prepared = prepare_domain(domain)
    labels = prepared.split(".")
    if not prepared.isascii():
        labels = [x if x.isascii() else idna.alabel(x).decode("ascii") for x in labels]
    name = ".".join(labels)
    if len(name) > MAX_DNS_NAME:
        raise JIDError(f"the domain part is longer than {MAX_DNS_NAME} characters in ASCII")
    return name
