"""What is kept of attempts to reach others."""

from tests.support.federated import Web
from xmppd.core.s2s import trail as trails
from xmppd.core.s2s.trail import SAID, STEPS, Trail
from xmppd.errors import StanzaError

VERONA, MANTUA, PADUA = "verona.lit", "mantua.lit", "padua.lit"


def test_trail_has_so_many_steps_and_its_end() -> None:
    trail = Trail(lambda: 7.0)
    for _ in range(STEPS + 10):
        trail.note("tcp", "x" * 1000, ok=False)
    trail.note("end", "in vain", ok=False)
    assert len(trail.steps) == STEPS + 1
    assert {len(step.said) for step in trail.steps[:-1]} == {SAID}
    assert trail.steps[-1] == (7.0, "end", "in vain", False)


def test_error_that_is_kept_keeps_nothing_alive() -> None:
    trail = Trail(lambda: 7.0)
    try:
        raise StanzaError("remote-server-timeout", reason="s2s.slow") from ValueError()
    except StanzaError as error:
        trail.failed(error)
    assert trail.error is not None
    assert (trail.error.__traceback__, trail.error.__cause__, trail.error.__context__) == (
        None,
        None,
        None,
    )


def test_of_older_attempts_only_beginning_and_end_are_kept(monkeypatch) -> None:
    monkeypatch.setattr(trails, "KEPT", 1)
    web = Web()
    verona = web.town(VERONA)
    for domain in (MANTUA, PADUA):
        web.town(domain)
        juliet = verona.log_in("juliet")
        juliet.send(f"<message to='romeo@{domain}'/>")
        web.settle()
    first, last = (verona.remotes.find(domain).trail.steps for domain in (MANTUA, PADUA))
    assert [step.what for step in first] == ["policy", "end"]
    assert len(last) > 2
