"""IQ requests of the server's own, and which answer counts (RFC 6120 §8.2.3, rule 4)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from tests.support.server import DOMAIN, Client, Verona
from xmppd import ns
from xmppd.core import requests
from xmppd.core.requests import RequestFailed
from xmppd.jid import JID
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Stanza

POTION = "urn:example:potion"
HOST = JID.parse(DOMAIN)
ACCOUNT = JID.parse(f"juliet@{DOMAIN}")


class Asked:
    """A server that has asked a client of juliet's something in the name of `sender`."""

    def __init__(self, sender: JID = ACCOUNT) -> None:
        self.server = Verona()
        self.juliet = self.server.log_in("juliet", "balcony")
        self.romeo = self.server.log_in("romeo", "orchard")
        self.results: list[Stanza] = []
        self.failures: list[BaseException] = []
        self.asking = self.ask(sender)
        self.request = self.juliet.one()

    def ask(self, sender: JID = ACCOUNT, to: JID | None = None) -> Deferred[Stanza]:
        whom = to or self.juliet.jid
        assert whom is not None
        asking = self.server.host.requests.ask(sender, whom, "get", Tag("vial", ns=POTION))
        asking.addCallbacks(self.results.append, lambda f: self.failures.append(f.value))
        return asking

    def reply(self, client: Client, to: str, inner: str = "", type_: str = "result") -> None:
        self.say(client, to, self.request.get("id", ""), inner, type_)

    def say(
        self, client: Client, to: str, id_: str, inner: str = "", type_: str = "result"
    ) -> None:
        address = f" to='{to}'" if to else ""
        client.send(f"<iq type='{type_}' id='{id_}'{address}>{inner}</iq>")

    @property
    def waiting(self) -> int:
        return len(self.server.host.requests)


SENDERS = pytest.mark.parametrize("sender", [HOST, ACCOUNT])


def names(element: Element) -> list[str]:
    return [child.tag for child in element]


@SENDERS
def test_a_request_is_in_the_name_of_who_asks_and_the_result_is_his(sender: JID) -> None:
    asked = Asked(sender)
    request = asked.request
    assert (request.get("from"), request.get("to")) == (sender, asked.juliet.jid)
    assert (request.get("type"), names(request)) == ("get", [f"{{{POTION}}}vial"])
    asked.reply(asked.juliet, sender, f"<vial xmlns='{POTION}' hours='42'/>")
    (told,) = asked.results
    assert told.element[0].get("hours") == "42"
    assert (asked.failures, asked.waiting) == ([], 0)
    assert asked.juliet.take() == b""


def test_rfc6120_10_3_3_a_result_without_to_is_for_the_own_account() -> None:
    asked = Asked()
    asked.reply(asked.juliet, "")
    assert len(asked.results) == 1


STRANGE = {
    "another id": lambda a: a.say(a.juliet, ACCOUNT, "guess"),
    "another session": lambda a: a.reply(a.romeo, ACCOUNT),
    "to the domain": lambda a: a.reply(a.juliet, DOMAIN),
    "to another account": lambda a: a.reply(a.juliet, f"romeo@{DOMAIN}"),
    "to a resource of the domain": lambda a: a.reply(a.juliet, f"{DOMAIN}/vault"),
}


@pytest.mark.parametrize("way", STRANGE)
def test_8_2_3_an_answer_from_or_to_another_or_of_another_id_is_none(way: str) -> None:
    asked = Asked()
    STRANGE[way](asked)
    assert (asked.results, asked.failures, asked.waiting) == ([], [], 1)
    asked.reply(asked.juliet, ACCOUNT)
    assert len(asked.results) == 1


def test_another_resource_of_the_same_account_does_not_answer_for_it() -> None:
    asked = Asked()
    asked.reply(asked.server.log_in("juliet", "chamber"), ACCOUNT)
    assert (asked.results, asked.waiting) == ([], 1)


def test_the_second_answer_counts_for_nothing() -> None:
    asked = Asked()
    for _ in range(2):
        asked.reply(asked.juliet, ACCOUNT)
    assert len(asked.results) == 1


ERRORS = {
    f"<error type='cancel'><item-not-found xmlns='{ns.STANZA_ERRORS}'/></error>": "item-not-found",
    f"<error type='auth'><text xmlns='{ns.STANZA_ERRORS}'>no</text>"
    f"<forbidden xmlns='{ns.STANZA_ERRORS}'/></error>": "forbidden",
    "<error type='cancel'><item-not-found xmlns='urn:example:x'/></error>": "undefined-condition",
    f"<error type='cancel'><poison xmlns='{ns.STANZA_ERRORS}'/></error>": "undefined-condition",
    "<error/>": "undefined-condition",
    "": "undefined-condition",
}


@SENDERS
@pytest.mark.parametrize(("inner", "condition"), ERRORS.items())
def test_an_error_is_a_failure_with_its_condition(sender: JID, inner: str, condition: str) -> None:
    asked = Asked(sender)
    asked.reply(asked.juliet, sender, inner, "error")
    (failure,) = asked.failures
    assert isinstance(failure, RequestFailed)
    assert failure.condition == condition
    assert failure.stanza is not None
    assert failure.stanza.sender == asked.juliet.jid
    assert asked.waiting == 0


def test_who_does_not_answer_in_time_has_not_answered() -> None:
    asked = Asked()
    asked.server.clock.advance(requests.SECONDS - 1)
    assert asked.failures == []
    asked.server.clock.advance(1)
    (failure,) = asked.failures
    assert isinstance(failure, RequestFailed)
    assert (failure.condition, failure.stanza) == ("remote-server-timeout", None)
    asked.reply(asked.juliet, ACCOUNT)
    assert (asked.results, asked.waiting) == ([], 0)


def test_each_has_its_own_time_whoever_asks_again_meanwhile() -> None:
    clock, sent = Clock(), list[Stanza]()
    asked = requests.OwnRequests(sent.append, clock)
    late: list[float] = []

    def ask(seconds: float) -> Deferred[Stanza]:
        asking = asked.ask(HOST, ACCOUNT, "get", Tag("vial", ns=POTION), seconds=seconds)
        return asking.addErrback(lambda failure: late.append(clock.seconds()))

    ask(5.0)
    ask(2.0).addBoth(lambda _: ask(30.0))
    ask(1.0).addBoth(lambda _: ask(3.0))
    answered = ask(4.0)
    for _ in range(400):
        clock.advance(0.1)
        if not answered.called and clock.seconds() > 3:
            reply = Stanza("iq", {"type": "result", "id": sent[3].id}, [], b"")
            reply.sender, reply.to = ACCOUNT, HOST
            asked.answered(reply)
    assert late == pytest.approx([1, 2, 4, 5, 32], abs=0.2)
    assert not asked
    assert not clock.getDelayedCalls()


@pytest.mark.parametrize(
    ("to", "condition"),
    [
        (f"juliet@{DOMAIN}/tomb", "service-unavailable"),
        ("benvolio@elsewhere.lit/x", "remote-server-not-found"),
    ],
)
def test_who_cannot_be_reached_fails_at_once(to: str, condition: str) -> None:
    asked = Asked()
    asked.ask(to=JID.parse(to))
    (failure,) = asked.failures
    assert isinstance(failure, RequestFailed)
    assert failure.condition == condition
    assert asked.waiting == 1, "the first request is still there"


def test_more_than_are_allowed_at_a_time_are_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()
    monkeypatch.setattr(requests, "MOST", 2)
    asked.ask()
    asked.juliet.take()
    asked.ask()
    (failure,) = asked.failures
    assert isinstance(failure, RequestFailed)
    assert failure.condition == "resource-constraint"
    assert asked.juliet.take() == b""
    asked.reply(asked.juliet, ACCOUNT)
    asked.ask()
    assert asked.juliet.one().get("type") == "get"


def test_who_cancels_a_request_hears_nothing_of_it_any_more() -> None:
    asked = Asked()
    asked.asking.cancel()
    (failure,) = asked.failures
    assert isinstance(failure, CancelledError)
    assert asked.waiting == 0
    asked.server.clock.advance(requests.SECONDS)
    asked.reply(asked.juliet, ACCOUNT)
    assert (len(asked.failures), asked.results) == (1, [])


def test_ids_cannot_be_guessed_from_one_another() -> None:
    asked = Asked()
    seen = {asked.request.get("id", "")}
    for _ in range(20):
        asked.ask()
        seen.add(asked.juliet.one().get("id", ""))
    assert len(seen) == 21
    assert all(len(id_) >= 16 for id_ in seen)


def test_what_can_not_be_sent_waits_for_no_answer() -> None:
    server = Verona()
    requests_ = server.host.requests

    def refuse(request: Stanza) -> None:
        raise ValueError

    with pytest.raises(ValueError):
        requests_.ask(HOST, ACCOUNT, "get", Tag("vial", ns=POTION), send=refuse)
    assert len(requests_) == 0
    server.clock.advance(60)
