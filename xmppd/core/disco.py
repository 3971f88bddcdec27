"""What the server says of itself: identities, features, forms and items that modules register.

Service discovery (XEP-0030) and the capabilities hash (XEP-0115) are both made from here, so
they can't disagree.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

from xmppd.core.forms import Form
from xmppd.core.iq import On
from xmppd.wire.build import Tag

CAPS_NODE = "urn:x-xmppd:server"
"""The `node` of the server's own entity capabilities (XEP-0115 §4); it never changes."""

HASHES = {
    "sha-1": "sha1",
    "sha-224": "sha224",
    "sha-256": "sha256",
    "sha-384": "sha384",
    "sha-512": "sha512",
    "sha3-256": "sha3_256",
    "sha3-512": "sha3_512",
}
"""The hash functions a string may be made with (XEP-0115 §9.1), by their registered names, and what
Python calls them. MD5 is left out: SHA-1 is the weakest that has to be known."""

Holds: TypeAlias = Callable[[str], bool]
"""Whether something is true of a domain of the server."""


class Identity(NamedTuple):
    """One identity of XEP-0030 §3.1."""

    category: str
    type: str
    name: str = ""
    lang: str = ""

    def tag(self) -> Tag:
        """The identity as it stands in disco#info."""
        attrs = {
            "category": self.category,
            "type": self.type,
            "name": self.name or None,
            "xml:lang": self.lang or None,
        }
        return Tag("identity", attrs)


class Advertised:
    """What service discovery answers, for the server and for its users' accounts.

    Two modules may stand on one feature. `forms` make the extended information of XEP-0128, of
    the server only; `items` add to what the domains list: JIDs.
    """

    __slots__ = ("_features", "_vers", "forms", "identities", "items")

    def __init__(self) -> None:
        self._features: dict[On, list[tuple[str, Holds]]] = {on: [] for on in On}
        self._vers: dict[str, str] = {}
        self.identities: dict[On, list[Identity]] = {on: [] for on in On}
        self.forms: list[Callable[[], Form | None]] = []
        self.items: list[Callable[[], list[str]]] = []

    def add(self, on: On, feature: str, when: Holds = lambda domain: True) -> Callable[[], None]:
        """Advertise `feature` where `when` says so; the callable returned takes it back."""
        entry = (feature, when)
        self._features[on].append(entry)
        self.changed()

        def remove() -> None:
            self._features[on].remove(entry)
            self.changed()

        return remove

    def features(self, on: On, domain: str) -> list[str]:
        """The features in force at `domain`, in code point order."""
        return sorted({feature for feature, when in self._features[on] if when(domain)})

    def info(self, on: On, domain: str) -> list[Tag]:
        """The content of a disco#info answer at `domain` (XEP-0030 §3.1, XEP-0128 §2)."""
        tags = [identity.tag() for identity in self.identities[on]]
        tags += [Tag("feature", {"var": feature}) for feature in self.features(on, domain)]
        if on is On.HOST:
            tags += [form.tag("result") for form in self._forms()]
        return tags

    def ver(self, domain: str) -> str:
        """The verification string of the domain's disco#info (XEP-0115 §5.1).

        `domain` is one that the server serves: each is remembered.
        """
        ver = self._vers.get(domain)
        if ver is None:
            identities, features = self.identities[On.HOST], self.features(On.HOST, domain)
            ver = self._vers[domain] = verification_string(identities, features, self._forms())
        return ver

    def changed(self) -> None:
        """Forget what was computed."""
        self._vers.clear()

    def _forms(self) -> list[Form]:
        forms = (make() for make in self.forms)
        return [form for form in forms if form is not None]


def verification_string(
    identities: Iterable[Identity],
    features: Iterable[str],
    forms: Iterable[Form],
    algorithm: str = "sha-1",
) -> str:
    """The verification string of entity capabilities, by one of `HASHES` (XEP-0115 §5.1).

    Code point order is the order of i;octet on UTF-8, which the XEP asks for. Nothing passes for
    the end of a part that is none: `<` stays as it is written in XML (§5.1, note).
    """
    parts: list[str] = []
    for identity in sorted(identities, key=lambda i: (i.category, i.type, i.lang)):
        parts.append(f"{identity.category}/{identity.type}/{identity.lang}/{identity.name}")
    parts += sorted(features)
    for form in sorted(forms, key=lambda f: f.form_type):
        parts.append(form.form_type)
        for field in sorted(form.fields, key=lambda f: f.var):
            parts += [field.var, *sorted(field.values)]
    text = "".join(f"{part.replace('<', '&lt;')}<" for part in parts)
    digest = hashlib.new(HASHES[algorithm], text.encode(), usedforsecurity=False).digest()
    return b64encode(digest).decode()
