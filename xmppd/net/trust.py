"""The authorities that are trusted for other servers: `[s2s] ca`, or those of this host."""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence

from cryptography import x509
from OpenSSL import SSL, crypto

from xmppd.errors import ConfigError
from xmppd.net.chains import UNPARSED, UNREADABLE, chain_problem

KEY = "s2s.ca"

BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
)
"""Where hosts have their authorities in one file."""


NONE = "this host has no authorities, so no certificate of another server is trusted"
REMEDY = "Install the host's ca-certificates, or name a PEM file in [s2s] ca"


class Distrusted(Exception):
    """A certificate is not to be trusted: in words, why."""


class Trust:
    """Authorities. `problem` says why nobody is trusted by them, where that is known.

    The check is made behind the handshake, not in it: then OpenSSL knows no purpose, which it
    would take from who has connected to whom (`xmppd/net/chains.py` has our own rule), and all
    the contexts share one store.
    """

    __slots__ = ("_context", "_store", "problem")

    def __init__(self, context: SSL.Context, problem: str = "") -> None:
        store = context.get_cert_store()
        assert store is not None, "every context has one"
        self._context = context  # whose the store is: pyOpenSSL would free both
        # What the operator has put there is trusted, whoever has issued it: an authority below
        # another, or one server's own certificate.
        store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
        self._store = store
        self.problem = problem

    def verified(
        self, certificate: crypto.X509, sent: Sequence[crypto.X509]
    ) -> list[x509.Certificate]:
        """The chain from a certificate to what is trusted, by way of what the peer has sent.

        Raises `Distrusted` for whatever OpenSSL finds wrong anywhere in it, or we do.
        """
        try:
            chain = crypto.X509StoreContext(self._store, certificate, sent).get_verified_chain()
        except crypto.X509StoreContextError as error:
            _, depth, words = error.errors
            where = f" (certificate {depth + 1} of its chain)" if depth else ""
            raise Distrusted(f"{words}{where}") from None
        except crypto.Error:
            raise Distrusted("OpenSSL could not verify it") from None
        finally:
            _forget_errors()
        try:
            links = [one.to_cryptography() for one in chain]
        except UNPARSED:
            raise Distrusted(UNREADABLE) from None
        if problem := chain_problem(links):
            raise Distrusted(problem)
        return links


def _forget_errors() -> None:
    """Empty OpenSSL's queue of errors: a false signature stays in it.

    Whichever connection is read next might be told of it as of its own, and be closed.
    """
    try:
        crypto.X509Store().load_locations(None)
    except crypto.Error:
        pass  # which has taken them all: that is what it is called for


def nobody() -> Trust:
    """Trusts nobody: for a server that has nothing to do with others."""
    return Trust(SSL.Context(SSL.TLS_CLIENT_METHOD))


def read_trust(path: str, source: str) -> Trust:
    """Read the authorities from `[s2s] ca`; "" stands for those of this host.

    Raises ConfigError for a file that has none. A host without any is told of in `problem`: its
    server still serves its own domains, and others' by dialback.
    """
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    if not path:
        context.set_default_verify_paths()
        return Trust(context, "" if _host_has_any() else NONE)
    try:
        context.load_verify_locations(path)
    except SSL.Error:
        raise ConfigError(source, KEY, *_fault(path)) from None
    return Trust(context)


def _fault(path: str) -> tuple[str, str]:
    """What is wrong with a file that OpenSSL can't use, and the remedy."""
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        return (
            f"user {os.geteuid()} can't read {path} ({error.strerror})",
            "Name a PEM file that this user can read, or leave the key out for this host's own",
        )
    return (
        f"no certificates of authorities in {path}",
        "Put them there in PEM form, or leave the key out for this host's own",
    )


def _host_has_any() -> bool:
    """Whether there is anything where OpenSSL looks. Each variable stands for its default."""
    paths = ssl.get_default_verify_paths()
    files = [one for one in (paths.cafile, *BUNDLES) if one]
    if any(os.path.isfile(file) and os.path.getsize(file) for file in files):
        return True
    try:
        return bool(paths.capath and os.listdir(paths.capath))
    except OSError:
        return False
