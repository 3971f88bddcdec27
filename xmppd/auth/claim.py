"""Who a client says it is: the name it gave, prepared once for everyone who asks about it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from xmppd.jid import JID, JIDError


class Claim(NamedTuple):
    """A user name that a client gave, and where it came from; made by `claim`.

    `username` is what SASLprep left of it, `address` the client's network address, `jid` the
    account that is meant: None for a name that no account can have.
    """

    username: str
    domain: str
    address: str
    jid: JID | None

    @property
    def name(self) -> str:
        """What attempts are counted by: one for all spellings of a name, "" where none was given.

        A name that no account can have is counted, too, as it came.
        """
        if self.jid is not None:
            return self.jid
        return f"{self.username}@{self.domain}" if self.username else ""


def claim(username: str, domain: str, address: str) -> Claim:
    """Make the claim of a client at `address` to be `username` at the prepared `domain`."""
    return Claim(username, domain, address, account_of(username, domain))


@lru_cache(256)
def account_of(username: str, domain: str) -> JID | None:
    """Find the account that a user name stands for (RFC 6120 §6.3.7); None where none can be.

    A login asks for it at each of its steps, and preparing an odd name takes a millisecond: so
    it is remembered, and a name with a separator of addresses, which Nodeprep would refuse in
    the end (RFC 6122 appendix A.5), is refused unread.
    """
    if not username or "@" in username or "/" in username:
        return None
    try:
        return JID.of(username, domain)
    except JIDError:
        return None
