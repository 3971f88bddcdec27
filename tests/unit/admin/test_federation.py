"""What an operator is told of other servers, and has done, on two servers in memory."""

import json

import pytest
from twisted.internet.defer import Deferred

from tests.support.deferred import result
from tests.support.federated import Web
from tests.support.server import NOW, Verona, condition
from tests.support.server_streams import features, header, outcome
from xmppd import ns
from xmppd.admin import display_federation as display
from xmppd.admin.commands import perform
from xmppd.admin.operated import CommandError, Operated
from xmppd.core.s2s import facts
from xmppd.errors import StanzaError
from xmppd.reasons import REASONS

VERONA, MANTUA = "verona.lit", "mantua.lit"
ROMEO = f"romeo@{MANTUA}"


def two(**s2s):
    """Two servers with these keys of `[s2s]`."""
    web = Web()
    return web.town(VERONA, s2s=s2s), web.town(MANTUA, s2s=s2s)


@pytest.fixture
def both():
    return two()


@pytest.fixture
def verona(both):
    return both[0]


@pytest.fixture
def mantua(both):
    return both[1]


def down(town):
    """Nobody takes connections for it any more."""
    town.web.at[f"host.{town.domain}"] = StanzaError(
        "remote-server-timeout", reason="s2s.unreachable"
    )


def up(town):
    town.web.move(town.domain, f"host.{town.domain}", town)


def start(server, command, **args) -> Deferred:
    return perform(Operated(server.host), command, args)


def do(server, command, **args):
    outcome = start(server, command, **args)
    server.web.settle()
    told = result(outcome)
    json.dumps(told)
    return told


def refused(server, command, **args):
    with pytest.raises(CommandError) as caught:
        do(server, command, **args)
    assert caught.value.remedy
    return caught.value.problem


def write_to(server, who=ROMEO):
    """Juliet of that server sends a message; what came back."""
    juliet = server.log_in("juliet")
    juliet.send(f"<message to='{who}' id='1'><body>hello</body></message>")
    server.web.settle()
    return juliet


def acknowledged(server):
    """What was sent is asked about, and answered."""
    server.web.advance(0.25)


def reconfigured(server, **s2s):
    server.reload(server={"domains": list(server.host.domains)}, s2s=s2s)
    server.web.settle()


def whats(told):
    return [step["what"] for step in told["attempt"]]


# ---------------------------------------------------------------------- the list


def test_stream_is_told_from_both_of_its_ends(verona, mantua):
    write_to(verona)
    acknowledged(verona)
    verona.clock.advance(60.75)
    [link] = do(verona, "s2s")["links"]
    assert len(link.pop("id")) == 32
    assert link == {
        "local": (VERONA,),
        "remote": (MANTUA,),
        "more": 0,
        "direction": "both",
        "incoming": False,
        "state": "open",
        "theirs": "certificate",
        "ours": "certificate",
        "address": "192.0.2.1",
        "tls": "TLSv1.3",
        "cipher": "TLS_AES_128_GCM_SHA256",
        "managed": True,
        "since": NOW,
        "sent": 1,
        "received": 0,
        "unacknowledged": 0,
        "unsent": 0,
        "seconds": 61,
        "idle_seconds": 61,
    }
    [other] = do(mantua, "s2s", domain=VERONA)["links"]
    assert (other["incoming"], other["sent"], other["received"]) == (True, 0, 1)
    assert do(mantua, "s2s", domain="padua.lit")["links"] == []


def test_stream_for_one_way_is_told_as_that():
    verona, mantua = two(bidirectional=False)
    write_to(verona)
    [there], [here] = do(verona, "s2s")["links"], do(mantua, "s2s")["links"]
    assert (there["direction"], there["ours"], there["theirs"]) == (
        "out",
        "certificate",
        "certificate",
    )
    assert (here["direction"], here["ours"], here["theirs"]) == ("in", "", "certificate")


def test_dialback_is_told_and_the_stream_that_carried_the_question():
    verona, mantua = two(require="dialback")
    verona.names.clear()
    write_to(verona)
    shown = {link["state"]: (link["ours"], link["theirs"]) for link in do(mantua, "s2s")["links"]}
    assert shown == {"open": ("certificate", "dialback"), "asking": ("", "")}
    [ours] = [link for link in do(verona, "s2s")["links"] if link["state"] == "open"]
    assert (ours["ours"], ours["theirs"]) == ("dialback", "certificate")


def test_what_is_not_acknowledged_and_what_is_not_sent_is_counted(verona):
    juliet = write_to(verona)
    [connection] = verona.host.remotes.connections
    connection.wire.behind = 512
    juliet.send(f"<message to='{ROMEO}'><body>hello</body></message>")
    [link] = do(verona, "s2s")["links"]
    assert (link["sent"], link["unacknowledged"], link["unsent"]) == (2, 2, 512)


def test_the_longest_list_has_an_end(verona, monkeypatch):
    write_to(verona)
    assert facts.links(verona.host.remotes, most=0) == []
    monkeypatch.setattr(facts.links, "__defaults__", ("", 0))
    assert list(display.links(do(verona, "s2s"))) == ["these are 0 of 1 streams"]


def test_stream_of_many_domains_is_told_with_some_and_found_by_each(verona):
    write_to(verona)
    [connection] = verona.host.remotes.connections
    connection.stream.peers.update(f"{n:03}.{MANTUA}" for n in range(1000))
    told = do(verona, "s2s", domain=f"999.{MANTUA}")
    [link] = told["links"]
    assert link["remote"] == (MANTUA, *(f"{n:03}.{MANTUA}" for n in range(facts.DOMAINS - 1)))
    assert f",018.{MANTUA} and 981 more  at " in next(display.links(told))


def test_domain_in_a_pause_is_told_with_its_end(verona, mantua):
    down(mantua)
    write_to(verona)
    told = do(verona, "s2s")
    assert told["links"] == []
    [domain] = told["domains"]
    assert (domain["domain"], domain["failures"], domain["error"]["reason"]) == (
        MANTUA,
        1,
        "s2s.unreachable",
    )
    assert NOW < domain["retry"] <= NOW + 2
    first, second = display.links(told)
    assert first == "no stream with another server"
    assert next(display.links(do(verona, "s2s", domain=MANTUA))) == f"no stream with {MANTUA}"
    assert second.startswith(f"{MANTUA}  1 attempt in vain  not tried again before 2006-12-08 ")
    assert REASONS["s2s.unreachable"][0] in second
    verona.clock.advance(3)
    [domain] = do(verona, "s2s", domain=MANTUA)["domains"]
    assert domain["retry"] is None
    assert "tried again with the next" in list(display.links(do(verona, "s2s")))[1]


def test_stanzas_that_wait_are_counted(verona):
    verona.web.places[MANTUA] = None
    write_to(verona)
    [domain] = do(verona, "s2s")["domains"]
    assert (domain["waiting"], domain["trying"]) == (1, True)
    assert f"{MANTUA}  is being reached  1 stanza waiting" in display.links(do(verona, "s2s"))


def test_without_other_servers_the_list_says_so():
    server = Verona()
    told = result(start(server, "s2s"))
    assert list(display.links(told)) == [display.OFF]
    with pytest.raises(CommandError, match="there are no other servers"):
        result(start(server, "s2s-try", domain=MANTUA))
    assert result(start(server, "why", subject=MANTUA))["elsewhere"] is None


# ---------------------------------------------------------------------- why


def why(server, subject=MANTUA):
    return do(server, "why", subject=subject)


def shown(server, subject=MANTUA):
    return list(display.why(why(server, subject)))


def test_domain_never_tried_is_told_how_to_try_it(verona):
    told = why(verona, "padua.lit")["elsewhere"]
    assert told["attempt"] == []
    assert shown(verona, "padua.lit") == [
        "no refusal is remembered of padua.lit",
        "padua.lit: require = certificate (s2s.require), found by DNS",
        "padua.lit: 0 streams with it now",
        "nothing has been sent there since the start: to see whether it can be, "
        "`xmppctl s2s-try padua.lit`",
    ]


def test_attempt_that_went_well_is_told_step_by_step(verona, mantua):
    write_to(verona)
    told = why(verona)["elsewhere"]
    assert whats(told) == ["policy", "tls", "certificate", "stream", "sasl", "end"]
    assert all(step["ok"] for step in told["attempt"])
    assert told["error"] is None
    assert told["attempt"][-1]["said"] == f"stanzas may be sent from {VERONA}, by certificate"
    assert shown(mantua, VERONA)[-1] == (
        "it has connected to us: no attempt to reach it was needed"
    )


def test_attempt_that_failed_is_told_with_reason_and_remedy(verona, mantua):
    mantua.names.clear()
    write_to(verona)
    told = why(verona)["elsewhere"]
    assert told["error"]["reason"] == "s2s.certificate"
    assert told["error"]["remedy"] == REASONS["s2s.certificate"][1]
    failed = [step["said"] for step in told["attempt"] if not step["ok"]]
    assert failed[0] == "no certificate"
    lines = shown(verona)
    assert "    0.00s  certificate  FAILED  no certificate" in lines
    meaning, remedy = REASONS["s2s.certificate"]
    assert lines.count(f"s2s.certificate: {meaning}. What to do: {remedy}") == 1
    assert lines[-1].startswith(f"{MANTUA}  1 attempt in vain  not tried again before ")


def test_who_hangs_up_before_there_is_a_stream_may_have_another_port(verona):
    played = verona.web.played(MANTUA, MANTUA)
    write_to(verona)
    (hand,) = played.hands
    hand.wire.cut()
    verona.web.settle()
    told = why(verona)["elsewhere"]
    assert told["error"]["reason"] == "s2s.closed"
    assert told["error"]["text"] == f"{MANTUA} closed the connection before there was a stream"


def test_who_says_nothing_is_told_as_slow_and_not_as_a_client(verona):
    verona.web.played(MANTUA, MANTUA)
    write_to(verona)
    verona.web.advance(21)
    assert why(verona)["elsewhere"]["error"]["reason"] == "s2s.slow"


def test_senders_read_what_is_wrong_and_no_code(verona, mantua):
    mantua.names.clear()
    write_to(verona)
    error = why(verona)["elsewhere"]["error"]
    meaning, _ = REASONS["s2s.certificate"]
    assert error["text"] == f"{MANTUA}: {meaning}"
    assert error["detail"] == f"the certificate of {MANTUA}: no certificate"


def test_what_the_other_domain_said_of_us_is_told(verona):
    verona.names.clear()
    write_to(verona)
    error = why(verona)["elsewhere"]["error"]
    assert error["reason"] == "s2s.denied"
    assert error["text"] == f"{MANTUA} ended the stream: not-authorized"
    assert error["detail"] == f"the certificate of {VERONA}: no certificate", "in its own words"


def test_certificate_that_was_not_taken_stands_beside_the_dialback_that_was():
    verona, _ = two(require="dialback")
    verona.names.clear()
    write_to(verona)
    told = why(verona)["elsewhere"]
    assert told["attempt"][-1]["said"] == f"stanzas may be sent from {VERONA}, by dialback"


def test_refused_certificate_and_dialback_on_the_same_stream_are_both_told(verona):
    played = verona.web.played(MANTUA, MANTUA)
    write_to(verona)
    (hand,) = played.hands
    hand.send(header(MANTUA, VERONA, id="1"), features("starttls"), empty("proceed", ns.TLS))
    hand.send(header(MANTUA, VERONA, id="2"), features("external", "dialback"))
    hand.send(empty("failure", ns.SASL), outcome(MANTUA, VERONA))
    told = why(verona)["elsewhere"]
    assert [step["said"] for step in told["attempt"][-3:]] == [
        "trying SASL EXTERNAL",
        "it does not take our certificate for ours",
        f"stanzas may be sent from {VERONA}, by dialback",
    ]
    assert do(verona, "s2s")["links"][0]["ours"] == "dialback"


def empty(name, space):
    return f"<{name} xmlns='{space}'/>"


def test_in_a_pause_an_attempt_at_other_places_is_what_is_told(verona, mantua):
    down(mantua)
    write_to(verona)
    mantua.web.move(MANTUA, "elsewhere", mantua)
    verona.clock.advance(0.5)
    write_to(verona)
    told = why(verona)["elsewhere"]
    assert told["attempt"][0]["at"] == NOW + 0.5
    assert told["error"] is None


def test_in_a_pause_the_attempt_that_failed_is_what_is_told(verona, mantua):
    down(mantua)
    write_to(verona)
    before = why(verona)["elsewhere"]["attempt"]
    verona.clock.advance(0.5)
    write_to(verona)
    told = why(verona)["elsewhere"]
    assert told["attempt"] == before
    assert told["failures"] == 1
    verona.clock.advance(5)
    write_to(verona)
    told = why(verona)["elsewhere"]
    assert told["failures"] == 2
    assert told["attempt"][0]["at"] == NOW + 5.5


def test_domain_that_does_not_let_us_send_is_left_alone_for_longer_each_time():
    verona, _ = two(require="dialback")
    verona.names.clear()
    down(verona)  # where mantua would ask about the key
    for failures in (1, 2):
        write_to(verona)
        told = why(verona)["elsewhere"]
        assert (told["failures"], told["error"]["reason"]) == (failures, "s2s.denied")
        assert told["error"]["text"] == f"{MANTUA} does not accept us: remote-connection-failed"
        verona.clock.advance(3)


def test_policy_is_told_with_its_keys(verona):
    reconfigured(
        verona,
        domains={"*.lit": {"require": "dialback"}},
        routes={MANTUA: ("tcp:192.0.2.7:5269",), "padua.lit": ()},
        deny=("venice.lit",),
    )
    assert shown(verona)[1] == (
        f'{MANTUA}: require = dialback (s2s.domains."*.lit".require), '
        f'reached at tcp:192.0.2.7:5269 (s2s.routes."{MANTUA}")'
    )
    assert shown(verona, "padua.lit")[1].endswith('reached at nowhere (s2s.routes."padua.lit")')
    lines = shown(verona, "venice.lit")
    meaning, remedy = REASONS["s2s.refused"]
    refused = f's2s.refused (s2s.deny has "venice.lit"): {meaning}. What to do: {remedy}'
    assert lines[1] == f"venice.lit: no traffic with it: {refused}"
    reconfigured(verona, allow=("*.example",))
    assert "s2s.refused (it is not in s2s.allow): " in shown(verona, "venice.lit")[1]
    assert not any("s2s-try" in line for line in lines)


def test_only_domains_elsewhere_are_told_as_such(verona):
    assert why(verona, VERONA)["elsewhere"] is None
    assert why(verona, f"juliet@{VERONA}")["elsewhere"] is None
    assert why(verona, "192.0.2.7")["elsewhere"] is None
    assert why(verona, "2001:db8::7")["elsewhere"] is None
    assert why(verona, ROMEO)["elsewhere"] is None
    write_to(verona)
    assert why(verona, ROMEO)["elsewhere"]["links"] == 1


def test_words_of_strangers_are_safe_for_a_terminal(verona, mantua):
    mantua.names.clear()
    write_to(verona)
    told = why(verona)
    told["elsewhere"]["attempt"][-1]["said"] = "\x1b[31m"
    *_, line, _ = display.why(told)
    assert line.endswith("FAILED  \\x1b[31m")


# ---------------------------------------------------------------------- try, close


def test_try_reaches_a_domain_for_which_nothing_waits(verona):
    told = do(verona, "s2s-try", domain=MANTUA)
    assert told["reached"]
    assert whats(told)[-2:] == ["sasl", "end"]
    assert verona.web.forgotten == [MANTUA]
    assert list(display.tried(told))[-1] == f"{MANTUA}: reached, stanzas may be sent from {VERONA}"
    [link] = do(verona, "s2s")["links"]
    assert (link["state"], link["sent"]) == ("open", 0)


def test_try_does_not_wait_for_the_end_of_a_pause(verona, mantua):
    down(mantua)
    write_to(verona)
    up(mantua)
    assert do(verona, "s2s-try", domain=MANTUA)["reached"]
    assert do(verona, "s2s")["domains"] == []


def test_try_that_fails_tells_why(verona, mantua):
    down(mantua)
    told = do(verona, "s2s-try", domain=MANTUA)
    assert not told["reached"]
    assert told["error"]["reason"] == "s2s.unreachable"
    *_, reason, last = display.tried(told)
    assert reason.startswith("s2s.unreachable: ")
    assert last == f"{MANTUA}: not reached"
    up(mantua)
    write_to(verona)
    assert do(verona, "s2s")["links"] == []  # a pause has begun


def test_try_where_there_is_a_stream_says_so(verona, mantua):
    write_to(verona)
    for server, other in ((verona, MANTUA), (mantua, VERONA)):
        told = do(server, "s2s-try", domain=other)
        assert (told["reached"], told["carried"]) == (True, True)
        assert list(display.tried(told))[1] == (
            f"there is a stream already; for a new attempt `xmppctl s2s-close {other}` first"
        )
    assert len(verona.host.remotes.connections) == 1


def test_try_goes_on_with_the_stream_of_a_question():
    verona, mantua = two(require="dialback", bidirectional=False)
    verona.names.clear()
    write_to(verona)
    told = do(mantua, "s2s-try", domain=VERONA)
    assert told["reached"]
    assert len(do(mantua, "s2s")["links"]) == 2
    assert whats(told) == ["policy", "sasl", "end"]


def test_try_does_not_wait_for_ever(verona):
    verona.web.places[MANTUA] = None
    outcome = start(verona, "s2s-try", domain=MANTUA, seconds=5)
    verona.clock.advance(5)
    told = result(outcome)
    assert (told["reached"], told["waits"], told["trying"]) == (False, True, True)
    assert list(display.tried(told))[-1] == (
        f"{MANTUA}: not reached yet; the attempt goes on, see `xmppctl why {MANTUA}`"
    )
    verona.clock.advance(60)
    assert why(verona)["elsewhere"]["error"]["reason"] == "s2s.slow"


def test_try_of_a_domain_that_is_kept_out_tells_of_no_older_attempt(verona):
    write_to(verona)
    reconfigured(verona, deny=(MANTUA,))
    told = do(verona, "s2s-try", domain=MANTUA)
    assert (told["reached"], told["attempt"]) == (False, [])
    assert len(list(display.tried(told))) == 2


def test_what_can_not_be_tried_is_said(verona):
    assert refused(verona, "s2s-try", domain=VERONA) == f"{VERONA} is a domain of this server"
    assert "none of ours" in refused(verona, "s2s-try", domain=MANTUA, local="padua.lit")
    assert '"x y"' in refused(verona, "s2s-try", domain="x y")
    assert verona.host.remotes.find("padua.lit") is None


def test_close_ends_the_streams_of_a_domain_and_the_next_stanza_opens_another(verona, mantua):
    juliet = write_to(verona)
    acknowledged(verona)
    told = do(verona, "s2s-close", domain=MANTUA)
    assert told == {"domain": MANTUA, "closed": 1}
    assert list(display.closed(told)) == [f"{MANTUA}: 1 stream closed"]
    assert not verona.host.remotes.connections
    assert not mantua.host.remotes.connections
    assert refused(verona, "s2s-close", domain=MANTUA) == f"there is no stream with {MANTUA}"
    juliet.send(f"<message to='{ROMEO}'><body>again</body></message>")
    verona.web.settle()
    assert len(do(verona, "s2s")["links"]) == 1


def test_domain_that_is_denied_by_a_reload_loses_its_streams(verona):
    """What it has not acknowledged is answered, and does not open another one."""
    juliet = write_to(verona)
    reconfigured(verona, deny=(MANTUA,))
    assert do(verona, "s2s")["links"] == []
    assert {each["reason"] for each in why(verona)["refusals"]} == {"s2s.refused"}
    assert condition(juliet.one()) == "not-allowed"


def test_status_counts_the_streams(verona):
    assert do(verona, "status")["servers"] == 0
    write_to(verona)
    assert do(verona, "status")["servers"] == 1
