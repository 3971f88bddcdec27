"""What a stream offers: a filter over a tuple of features (RFC 6120 §4.3.2)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, Protocol

from xmppd import ns
from xmppd.stream import sasl
from xmppd.stream.states import Fact
from xmppd.wire.build import Raw, Tag


class Offering(Protocol):
    """What a feature may ask of the stream it is offered on."""

    facts: Fact
    domain: str

    @property
    def may_carry_passwords(self) -> bool:
        """Whether a password may come over it as it is."""

    def mechanisms(self) -> tuple[sasl.Mechanism, ...]:
        """The SASL mechanisms on offer now."""

    def sasl_context(self) -> sasl.Context:
        """What the mechanisms may know of the stream."""


class Feature(NamedTuple):
    """One stream feature: offered while all of `needs` hold and none of `forbids`.

    `render` makes its element for a stream, or None where there is nothing to offer.
    """

    name: str
    needs: Fact
    forbids: Fact
    render: Callable[[Offering], Tag | Raw | None]


@lru_cache(maxsize=256)
def offered(features: tuple[Feature, ...], facts: Fact) -> list[Feature]:
    """The features whose conditions hold, in their order; not to be changed by the caller."""
    return [f for f in features if f.needs & facts == f.needs and not f.forbids & facts]


def _starttls(stream: Offering) -> Raw:
    return _TLS_OPTIONAL if stream.facts & Fact.MAY_AUTHENTICATE else _TLS_REQUIRED


_TLS_OPTIONAL = Raw(Tag("starttls", ns=ns.TLS).render())
_TLS_REQUIRED = Raw(Tag("starttls", {}, [Tag("required")], ns=ns.TLS).render())


def _mechanisms(stream: Offering) -> Raw | None:
    return _list_mechanisms(stream.mechanisms())


@lru_cache(maxsize=64)
def _list_mechanisms(mechanisms: tuple[sasl.Mechanism, ...]) -> Raw | None:
    if not mechanisms:
        return None
    names = [Tag("mechanism", {}, m.name) for m in mechanisms]
    return Raw(Tag("mechanisms", {}, names, ns=ns.SASL).render())


def _channel_bindings(stream: Offering) -> Raw | None:
    return _list_channel_bindings(sasl.channel_binding_types(stream.sasl_context()))


@lru_cache(maxsize=64)
def _list_channel_bindings(types: tuple[str, ...]) -> Raw | None:
    if not types:
        return None
    listed = [Tag("channel-binding", {"type": t}) for t in types]
    return Raw(Tag("sasl-channel-binding", {}, listed, ns=ns.SASL_CHANNEL_BINDING).render())


def static(tag: Tag) -> Callable[[Offering], Raw]:
    """A `Feature.render` that gives the same element to every stream."""
    raw = Raw(tag.render())
    return lambda stream: raw


NONE = Fact(0)

CORE: tuple[Feature, ...] = (
    Feature("starttls", Fact.TLS_AVAILABLE, Fact.SECURE | Fact.AUTHENTICATED, _starttls),
    Feature("mechanisms", Fact.MAY_AUTHENTICATE, Fact.AUTHENTICATED, _mechanisms),
    Feature(
        "channel-binding",
        Fact.MAY_AUTHENTICATE | Fact.SECURE,
        Fact.AUTHENTICATED,
        _channel_bindings,
    ),
    Feature(
        "compression",
        Fact.AUTHENTICATED | Fact.COMPRESSION,
        Fact.COMPRESSED | Fact.BOUND,
        static(Tag("compression", {}, [Tag("method", {}, "zlib")], ns=ns.COMPRESS_FEATURE)),
    ),
    Feature("bind", Fact.AUTHENTICATED, Fact.BOUND, static(Tag("bind", ns=ns.BIND))),
)
"""The features of the stream itself; modules add theirs behind them."""
