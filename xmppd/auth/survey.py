"""Which iteration counts there are in the store, so that unknown users seem to have them, too.

An account keeps its count when the configured one changes, until its next login with PLAIN. If
users that do not exist all had the configured one, every other would give an account away (RFC
5802 §9).
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Mapping

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.errors import StoreError
from xmppd.storage.interfaces import Accounts

SECONDS = 3600.0
"""How often to look: counts change as users log in, and the look reads all keys there are."""

log = Logger(namespace="xmppd.auth")


class Survey:
    """What was last seen in the store: by domain, how many keys have each iteration count."""

    def __init__(self, counts: Mapping[str, Mapping[int, int]] | None = None) -> None:
        self._counts = counts or {}

    def look(self, accounts: Accounts) -> Deferred[None]:
        """Look again; never fails, as what was seen before will do until the next time."""
        return accounts.iterations().addCallbacks(self._seen, _unseen)

    def _seen(self, counts: Mapping[str, Mapping[int, int]]) -> None:
        self._counts = counts

    def iterations(self, local: str, domain: str, secret: bytes, configured: int) -> int:
        """The count that the unknown user `local` at `domain` seems to have.

        It stays the same as long as the store does. As accounts go over to the `configured`
        count, which one at least is taken to have, so does their share of the unknown, each of
        them once.
        """
        counts = Counter(self._counts.get(domain, {}))
        counts[configured] += 1
        identity = "\0".join(("iterations", domain, local)).encode("utf-8", "surrogatepass")
        point = int.from_bytes(hmac.digest(secret, identity, "sha256")[:8], "big")
        place = point * counts.total() >> 64
        for count in sorted(counts):
            place -= counts[count]
            if place < 0:
                return count
        raise AssertionError("a place beyond the last count")


def _unseen(failure: Failure) -> None:
    failure.trap(StoreError)
    log.warn("accounts store: {error}", error=failure.value)
