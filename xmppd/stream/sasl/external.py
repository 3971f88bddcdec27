"""EXTERNAL for clients: the account that a verified client certificate names (XEP-0178 §2)."""

from __future__ import annotations

from xmppd.errors import SASLFailure
from xmppd.jid import JID, JIDError
from xmppd.stream.sasl.context import Context
from xmppd.stream.sasl.steps import Steps, Success, first_response


def run(context: Context, initial: bytes | None) -> Steps:
    """Run one exchange as the server (XEP-0178 §2, points 10 and 11; RFC 4422 appendix A)."""
    accounts = certified_accounts(context)
    if not accounts:
        raise SASLFailure("not-authorized", reason="auth.certificate")
    authzid = _parse((yield from first_response(initial)))
    account = accounts[0] if len(accounts) == 1 else _chosen(accounts, authzid)
    return Success(account.local, authzid)


def certified_accounts(context: Context) -> tuple[JID, ...]:
    """List the accounts at the domain that the certificate names, each once.

    E-mail addresses count only where they are configured to, and only in a certificate without
    any XMPP address (XEP-0178 §2, point 11c). SRV-IDs name a service and no user: they don't
    count. Addresses at other domains, or none of an account, are passed over.
    """
    kinds = [kind for kind, _ in context.certificate]
    if "xmppAddr" not in kinds and not context.email_accounts:
        return ()
    counted = "xmppAddr" if "xmppAddr" in kinds else "rfc822Name"
    found = (_account(value) for kind, value in context.certificate if kind == counted)
    return tuple(dict.fromkeys(jid for jid in found if jid and jid.domain == context.domain))


def _account(address: str) -> JID | None:
    """Read an address of the certificate; None for one that is no account's."""
    try:
        jid = JID.parse(address).bare
    except JIDError:
        return None
    return jid if jid.local else None


def _chosen(accounts: tuple[JID, ...], authzid: str) -> JID:
    """Find which of several accounts is meant: the client has to say so (point 11b)."""
    chosen = _account(authzid)
    if chosen is None or chosen not in accounts:
        raise SASLFailure("invalid-authzid", reason="auth.authzid")
    return chosen


def _parse(message: bytes) -> str:
    try:
        authzid = message.decode("utf-8")
    except UnicodeDecodeError:
        raise SASLFailure("malformed-request", reason="auth.malformed") from None
    if "\0" in authzid:
        raise SASLFailure("malformed-request", reason="auth.malformed")
    return authzid
