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


class DiscoInfo(NamedTuple):
    """What an entity says of itself (XEP-0030 §3.1); `forms` are those of XEP-0128."""

    identities: tuple[Identity, ...]
    features: frozenset[str]
    forms: tuple[Form, ...] = ()


class Advertised:
    """What service discovery answers, for the server and for its users' accounts.

    Two modules may stand on one feature. `forms` make the extended information of XEP-0128, of
    the server only; `items` add to what the domains list: JIDs. What others do in the server's
    place is nested in its own (XEP-0355 §7.2).
    """

    __slots__ = ("_features", "_nested", "_vers", "forms", "identities", "items")

    def __init__(self) -> None:
        self._features: dict[On, list[tuple[str, Holds]]] = {on: [] for on in On}
        self._nested: dict[tuple[On, str], dict[str, DiscoInfo]] = {}
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

    def nest(self, on: On, domain: str, namespace: str, info: DiscoInfo | None) -> None:
        """Have `info` stand at `domain` for whatever the server itself can do of a namespace.

        None: it is the server's own again.
        """
        nested = self._nested.setdefault((on, domain), {})
        if info is not None:
            nested[namespace] = info
        else:
            nested.pop(namespace, None)
        self.changed()

    def features(self, on: On, domain: str) -> list[str]:
        """The features in force at `domain`, in code point order."""
        nested = self._nested.get((on, domain), {})
        found = {feature for feature, when in self._features[on] if when(domain)}
        if nested:
            found = {f for f in found if not any(_is_of(f, namespace) for namespace in nested)}
        for info in nested.values():
            found |= info.features
        return sorted(found)

    def info(self, on: On, domain: str) -> list[Tag]:
        """The content of a disco#info answer at `domain` (XEP-0030 §3.1, XEP-0128 §2)."""
        tags = [identity.tag() for identity in self._identities(on, domain)]
        tags += [Tag("feature", {"var": feature}) for feature in self.features(on, domain)]
        tags += [form.tag("result") for form in self._forms(on, domain)]
        return tags

    def ver(self, domain: str) -> str:
        """The verification string of the domain's disco#info (XEP-0115 §5.1).

        `domain` is one that the server serves: each is remembered.
        """
        ver = self._vers.get(domain)
        if ver is None:
            ver = self._vers[domain] = verification_string(
                self._identities(On.HOST, domain),
                self.features(On.HOST, domain),
                self._forms(On.HOST, domain),
            )
        return ver

    def changed(self) -> None:
        """Forget what was computed."""
        self._vers.clear()

    def _identities(self, on: On, domain: str) -> list[Identity]:
        nested = self._nested.get((on, domain), {}).values()
        return [*self.identities[on], *(each for info in nested for each in info.identities)]

    def _forms(self, on: On, domain: str) -> list[Form]:
        made = (make() for make in self.forms) if on is On.HOST else ()
        nested = self._nested.get((on, domain), {})
        forms = {
            form.form_type: form
            for form in made
            if form is not None and not any(_is_of(form.form_type, each) for each in nested)
        }
        for info in nested.values():
            forms |= {form.form_type: form for form in info.forms}
        return list(forms.values())


def _is_of(feature: str, namespace: str) -> bool:
    """Whether a feature is one of a namespace's: it, or it with something behind a `#`."""
    return feature == namespace or feature.startswith(f"{namespace}#")


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
