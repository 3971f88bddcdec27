"""What a stream offers: a filter over a tuple of features (RFC 6120 §4.3.2)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from xmppd import ns
from xmppd.stream import sasl
from xmppd.stream.states import Fact
from xmppd.wire.build import Tag

if TYPE_CHECKING:  # the stream's own type, for the signatures of what it calls
    from xmppd.stream.stream import ClientStream


class Feature(NamedTuple):
    """One stream feature: offered while all of `needs` hold and none of `forbids`.

    `render` makes its element for a stream, or None where there is nothing to offer.
    """

    name: str
    needs: Fact
    forbids: Fact
    render: Callable[[ClientStream], Tag | None]


@lru_cache(maxsize=256)
def offered(features: tuple[Feature, ...], facts: Fact) -> list[Feature]:
    """The features whose conditions hold, in their order; not to be changed by the caller."""
    return [f for f in features if f.needs & facts == f.needs and not f.forbids & facts]


def _starttls(stream: ClientStream) -> Tag:
    required = [] if stream.facts & Fact.MAY_AUTHENTICATE else [Tag("required")]
    return Tag("starttls", {}, required, ns=ns.TLS)


def _mechanisms(stream: ClientStream) -> Tag | None:
    names = [m.name for m in stream.mechanisms()]
    if not names:
        return None
    return Tag("mechanisms", {}, [Tag("mechanism", {}, n) for n in names], ns=ns.SASL)


def _channel_bindings(stream: ClientStream) -> Tag | None:
    types = sasl.channel_binding_types(stream.sasl_context())
    if not types:
        return None
    return Tag(
        "sasl-channel-binding",
        {},
        [Tag("channel-binding", {"type": t}) for t in types],
        ns=ns.SASL_CHANNEL_BINDING,
    )


def _static(tag: Tag) -> Callable[[ClientStream], Tag]:
    return lambda stream: tag


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
        "auth",
        Fact.MAY_AUTHENTICATE | Fact.LEGACY_AUTH,
        Fact.AUTHENTICATED,
        _static(Tag("auth", ns=ns.AUTH_FEATURE)),
    ),
    Feature(
        "register",
        Fact.MAY_AUTHENTICATE | Fact.REGISTRATION,
        Fact.AUTHENTICATED,
        _static(Tag("register", ns=ns.REGISTER_FEATURE)),
    ),
    Feature(
        "compression",
        Fact.AUTHENTICATED | Fact.COMPRESSION,
        Fact.COMPRESSED | Fact.BOUND,
        _static(Tag("compression", {}, [Tag("method", {}, "zlib")], ns=ns.COMPRESS_FEATURE)),
    ),
    Feature("bind", Fact.AUTHENTICATED, Fact.BOUND, _static(Tag("bind", ns=ns.BIND))),
    Feature(
        "session",
        Fact.AUTHENTICATED,
        Fact.BOUND,
        # RFC 3921 clients wait for it; `optional` tells the others that they need not.
        _static(Tag("session", {}, [Tag("optional")], ns=ns.SESSION)),
    ),
)
"""The features of the stream itself; modules add theirs behind them."""
