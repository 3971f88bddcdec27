"""The outcome of a Deferred that has fired, without a reactor."""

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from xmppd.errors import XMPPError


def result(deferred: Deferred):
    """Give the result of a Deferred that has fired, or raise what it failed with."""
    outcome = []
    deferred.addBoth(outcome.append)
    assert outcome, "it has not fired"
    if isinstance(outcome[0], Failure):
        outcome[0].raiseException()
    return outcome[0]


def refusal(deferred: Deferred) -> tuple[str, str]:
    """Give condition and reason of the XMPPError that a Deferred has failed with."""
    try:
        outcome = result(deferred)
    except XMPPError as refused:
        return refused.condition, refused.reason
    raise AssertionError(f"no failure but {outcome!r}")
