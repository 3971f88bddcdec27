"""What an authenticated user may act as (RFC 6120 §6.3.8): itself, or what a rule grants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xmppd.auth.claim import account_of
from xmppd.errors import SASLFailure
from xmppd.jid import JID, JIDError


def authorize(username: str, domain: str, authzid: str, rules: Mapping[str, Sequence[str]]) -> JID:
    """Find the bare JID that `username` at `domain` is to be, having asked to be `authzid`.

    `authzid` is "" for its own. `rules` is `[auth.impersonate]`: prepared bare JIDs, each with
    the bare JIDs it may act as, or `*@domain` for every account there; an entry in any other
    form grants nothing. Never leads out of `domain`, to which the stream is pinned. Raises
    SASLFailure invalid-authzid, or not-authorized for a name that is no localpart.
    """
    own = account_of(username, domain)
    if own is None:
        raise SASLFailure("not-authorized", reason="auth.credentials")
    asked = _bare(authzid) if authzid else own
    if asked == own or (asked.domain == own.domain and _granted(own, asked, rules)):
        return asked
    raise _refused()


def _bare(authzid: str) -> JID:
    """Read an authorization identity, a bare JID of an account (RFC 6120 §6.3.8)."""
    try:
        jid = JID.parse(authzid)
    except JIDError:
        raise _refused() from None
    if not jid.local or not jid.is_bare:
        raise _refused()
    return jid


def _granted(own: JID, asked: JID, rules: Mapping[str, Sequence[str]]) -> bool:
    granted = rules.get(str(own), ())
    return str(asked) in granted or f"*@{asked.domain}" in granted


def _refused() -> SASLFailure:
    return SASLFailure("invalid-authzid", reason="auth.authzid")
