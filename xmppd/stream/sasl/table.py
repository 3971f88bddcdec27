"""The mechanisms there are, in order of preference, and which of them a stream may see.

To add one: write its generator in a file of its own, and a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache, partial

from xmppd.errors import SASLFailure
from xmppd.stream.sasl import anonymous, digest_md5, external, plain, scram
from xmppd.stream.sasl.context import Context
from xmppd.stream.sasl.steps import Steps


@dataclass(frozen=True, slots=True, eq=False)
class Mechanism:
    """A mechanism by its registered name, how it runs, and the facts it needs (see `facts`)."""

    name: str
    run: Callable[[Context, bytes | None], Steps]
    needs: frozenset[str] = frozenset()


def _scram(name: str, hash_name: str, *needs: str) -> Mechanism:
    plus = "channel-binding" in needs
    run = partial(scram.run, hash_name=hash_name, channel_binding=plus)
    return Mechanism(name, run, frozenset(needs))


MECHANISMS: tuple[Mechanism, ...] = (
    Mechanism("EXTERNAL", external.run, frozenset({"secure", "client-certificate"})),
    _scram("SCRAM-SHA-256-PLUS", "SHA-256", "secure", "channel-binding"),
    _scram("SCRAM-SHA-1-PLUS", "SHA-1", "secure", "channel-binding"),
    _scram("SCRAM-SHA-256", "SHA-256"),
    _scram("SCRAM-SHA-1", "SHA-1"),
    Mechanism("DIGEST-MD5", digest_md5.run),
    Mechanism("PLAIN", plain.run, frozenset({"plaintext-allowed"})),
    Mechanism("ANONYMOUS", anonymous.run, frozenset({"anonymous-domain"})),
)
"""Every mechanism, most preferred first (RFC 6120 §6.3.3, RFC 5802 §4)."""


_BINDING_TYPES = ("tls-exporter", "tls-server-end-point")  # RFC 9266, RFC 5929; strongest first


def facts(context: Context) -> frozenset[str]:
    """Name what is true of a stream: what `Mechanism.needs` is compared with."""
    return _true(
        context.secure,
        bool(context.channel_bindings),
        bool(context.certificate) and bool(external.certified_accounts(context)),
        context.anonymous,
        context.secure or context.plaintext_allowed,
    )


_FACTS = (
    "secure",
    "channel-binding",
    "client-certificate",
    "anonymous-domain",
    "plaintext-allowed",
)


@lru_cache(maxsize=32)
def _true(*holds: bool) -> frozenset[str]:
    return frozenset(name for name, true in zip(_FACTS, holds, strict=True) if true)


def offered(context: Context, allowed: Collection[str]) -> tuple[Mechanism, ...]:
    """List what to advertise: allowed by the operator, and all it needs is there."""
    return _offered(facts(context), frozenset(allowed))


@lru_cache(maxsize=256)
def _offered(true: frozenset[str], allowed: frozenset[str]) -> tuple[Mechanism, ...]:
    return tuple(m for m in MECHANISMS if m.name in allowed and m.needs <= true)


def select(name: str, context: Context, allowed: Collection[str]) -> Mechanism:
    """Find the mechanism that a client asks for among those in `context.offered`.

    Raises SASLFailure: encryption-required for one that wants no more than TLS on this stream,
    invalid-mechanism for any other that was not offered (RFC 6120 §6.5.4, §6.5.7).
    """
    known = next((m for m in MECHANISMS if m.name == name and name in allowed), None)
    if known is not None and name in context.offered:
        return known
    wants_tls = not (context.secure or context.plaintext_allowed)
    if known is not None and wants_tls and "plaintext-allowed" in known.needs:
        raise SASLFailure("encryption-required", reason="auth.encryption-required")
    raise SASLFailure("invalid-mechanism", reason="auth.mechanism")


def channel_binding_types(context: Context) -> tuple[str, ...]:
    """List the channel binding types to advertise, strongest first (XEP-0440 §2, §3).

    Empty where no -PLUS mechanism is offered: types without one make a careful client give up.
    """
    if not any(name.endswith("-PLUS") for name in context.offered):
        return ()
    return tuple(name for name in _BINDING_TYPES if name in context.channel_bindings)
