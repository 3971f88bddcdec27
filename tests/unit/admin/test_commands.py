"""The operator's commands, on a whole server in memory."""

import pytest
from twisted.internet.defer import fail, succeed

from tests.support.deferred import result
from tests.support.logs import logged
from tests.support.server import DOMAIN, NOW, PASSWORD, STRANGER, Verona, condition
from xmppd.admin.commands import COMMANDS, Credentials, perform
from xmppd.admin.operated import CommandError, Operated
from xmppd.errors import ConfigError, StoreBusy
from xmppd.jid import JID
from xmppd.reasons import REASONS

JULIET = f"juliet@{DOMAIN}"


@pytest.fixture
def verona():
    return Verona()


def do(verona, command, **args):
    return result(perform(Operated(verona.host), command, args))


def refused(verona, command, **args):
    with pytest.raises(CommandError) as caught:
        do(verona, command, **args)
    assert caught.value.remedy
    return caught.value.problem


def test_adduser_makes_an_account_that_can_log_in(verona):
    assert do(verona, "adduser", jid=f"Nurse@{DOMAIN}", password="angelica") == {
        "jid": f"nurse@{DOMAIN}"
    }
    verona.connect().log_in("nurse", "angelica")


def test_adduser_leaves_an_account_that_is_there_alone(verona):
    assert refused(verona, "adduser", jid=JULIET, password="other") == (
        f"there is an account {JULIET}"
    )
    verona.connect().log_in("juliet", PASSWORD)


@pytest.mark.parametrize(
    ("jid", "problem"),
    [
        ("nurse@mantua.lit", "mantua.lit is no domain of this server"),
        (DOMAIN, "is no account"),
        (f"nurse@{DOMAIN}/garden", "is no account"),
        (f"nu rse@{DOMAIN}", "nu rse"),
        ("", '""'),
    ],
)
def test_account_must_be_a_bare_jid_of_a_served_domain(verona, jid, problem):
    assert problem in refused(verona, "adduser", jid=jid, password="angelica")
    assert problem in refused(verona, "deluser", jid=jid)


def test_passwd_replaces_the_password(verona):
    do(verona, "passwd", jid=JULIET, password="o sweet my mother")
    verona.connect().log_in("juliet", "o sweet my mother")
    answers = verona.connect().open().authenticate("juliet", PASSWORD)
    assert condition(answers.elements()[-1]) == "not-authorized"


@pytest.mark.parametrize("command", ["passwd", "deluser"])
def test_account_that_is_not_there_is_named(verona, command):
    args = {"password": "x"} if command == "passwd" else {}
    jid = f"rosaline@{DOMAIN}"
    assert refused(verona, command, jid=jid, **args) == f"there is no account {jid}"


def test_empty_password_is_refused(verona):
    assert "password" in refused(verona, "passwd", jid=JULIET, password="")


def test_deluser_removes_the_account_and_ends_its_sessions(verona):
    juliet = verona.log_in("juliet")
    do(verona, "deluser", jid=JULIET)
    verona.clock.advance(0)
    assert juliet.closed
    assert not result(verona.host.stores.accounts.exists(JID.of("juliet", DOMAIN)))


def test_users_come_in_pages_through_all_domains():
    verona = Verona(server={"domains": [DOMAIN, "mantua.lit"]}, accounts=())
    wanted = [JID.of(name, d) for d in (DOMAIN, "mantua.lit") for name in ("abram", "balthasar")]
    for jid in reversed(wanted):
        verona.account(jid.local, domain=jid.domain)
    seen, after = [], ""
    while after is not None:
        page = do(verona, "users", after=after, limit=1)
        assert len(page["users"]) == 1
        seen += page["users"]
        after = page["next"]
    assert [user["jid"] for user in seen] == wanted
    assert seen[0] == {"jid": wanted[0], "created": NOW, "enabled": True}
    one = do(verona, "users", domain="mantua.lit")
    assert [user["jid"] for user in one["users"]] == wanted[2:]


def test_page_that_is_just_full_is_the_last(verona):
    assert do(verona, "users", limit=2)["next"] is None


def test_users_of_a_foreign_domain_are_not_asked_for(verona):
    assert "no domain" in refused(verona, "users", domain="mantua.lit")
    assert "no listed domain" in refused(verona, "users", after="paris@mantua.lit")


@pytest.mark.parametrize("limit", [0, 501, "ten"])
def test_pages_are_bounded(verona, limit):
    assert "limit" in refused(verona, "users", limit=limit)


def test_sessions_are_told_with_address_security_and_age(verona):
    verona.connect(STRANGER, secure=True).log_in("romeo", resource="orchard")
    verona.clock.advance(90)
    verona.log_in("juliet", "balcony").send("<presence><priority>3</priority></presence>")
    page = do(verona, "sessions", limit=1)
    assert page["sessions"] == [
        {
            "jid": f"{JULIET}/balcony",
            "address": "127.0.0.1",
            "secure": False,
            "priority": 3,
            "seconds": 0,
        }
    ]
    rest = do(verona, "sessions", after=page["next"])
    assert rest["next"] is None
    assert rest["sessions"] == [
        {
            "jid": f"romeo@{DOMAIN}/orchard",
            "address": STRANGER,
            "secure": True,
            "priority": None,
            "seconds": 90,
        }
    ]


def test_kick_ends_one_session_or_all_of_an_account(verona):
    balcony, tomb = verona.log_in("juliet", "balcony"), verona.log_in("juliet", "tomb")
    romeo = verona.log_in("romeo")
    assert do(verona, "kick", jid=f"{JULIET}/balcony") == {"jid": f"{JULIET}/balcony", "ended": 1}
    assert (balcony.closed, tomb.closed) == (True, False)
    assert do(verona, "kick", jid=JULIET)["ended"] == 1
    assert (tomb.closed, romeo.closed) == (True, False)
    assert verona.host.refusals.counts["session.kicked"] == 2
    assert "has no session" in refused(verona, "kick", jid=JULIET)


def test_why_tells_reason_meaning_and_remedy_by_account_domain_and_address(verona):
    verona.connect(STRANGER, secure=True).open().authenticate("juliet", "wrong").elements()
    verona.clock.advance(30)
    for subject in (STRANGER, DOMAIN, JULIET):
        told = do(verona, "why", subject=subject)["refusals"]
        assert [refusal["reason"] for refusal in told] == ["auth.credentials"], subject
        assert (told[0]["meaning"], told[0]["remedy"]) == REASONS["auth.credentials"]
        assert told[0]["address"] == STRANGER
        assert told[0]["when"] == NOW
    assert do(verona, "why", subject="mantua.lit")["refusals"] == []


def test_why_names_the_payload_that_nobody_handles(verona):
    juliet = verona.log_in("juliet")
    juliet.ask("<query xmlns='jabber:iq:unknown'/>")
    juliet.ask("<ping xmlns='urn:xmpp:ping'/>", "set", to=DOMAIN)
    juliet.send(f"<message to='{DOMAIN}'><body>But soft!</body></message>")
    told = do(verona, "why", subject=JULIET)["refusals"]
    assert [(refusal["reason"], refusal["detail"]) for refusal in told] == [
        ("stanza.unhandled", "jabber:iq:unknown query"),
        ("stanza.unhandled", "urn:xmpp:ping ping"),
        ("stanza.unhandled", "jabber:client body"),
    ]


@pytest.mark.parametrize("asked", ["mantua.lit", "man\u2067tua " + "x" * 500])
def test_why_tells_which_unknown_domain_was_asked_for(verona, asked):
    with logged() as messages:
        verona.connect(STRANGER).open(to=asked)
    shown = asked[:300]
    for subject in {DOMAIN, STRANGER, shown}:
        (told,) = do(verona, "why", subject=subject)["refusals"]
        assert (told["reason"], told["detail"]) == ("stream.host-unknown", shown)
    (line,) = [text for text in messages if "host-unknown" in text]
    assert line.endswith(f"from {STRANGER} ended: host-unknown (stream.host-unknown): {shown}")


def test_login_of_a_disabled_account_is_noted_once(verona):
    result(verona.host.stores.accounts.set_enabled(JID.of("juliet", DOMAIN), False))
    verona.connect().open().authenticate("juliet")
    told = do(verona, "why", subject=JULIET)["refusals"]
    assert [refusal["reason"] for refusal in told] == ["auth.disabled"]


def test_store_that_cannot_tell_is_noted_as_that(verona):
    class Gone:
        def __getattr__(self, name):
            return lambda *args: fail(StoreBusy("gone"))

    verona.backend._accounts = Gone()
    verona.connect().open().authenticate("juliet")
    assert verona.host.refusals.counts == {"auth.unavailable": 1}


def test_why_takes_an_address_in_any_spelling(verona):
    verona.host.refusals.note("stanza.remote", JULIET)
    assert do(verona, "why", subject=JULIET.upper())["refusals"]


def test_status_counts(verona):
    verona.connect()
    verona.log_in("juliet").ask("<ping xmlns='urn:xmpp:ping'/>")
    verona.host.refusals.note("tls.required")
    verona.clock.advance(30)
    status = do(verona, "status")
    assert status["uptime"] == 30
    assert (status["connections"], status["sessions"], status["routed"]) == (2, 1, 1)
    assert status["accounts"] == {DOMAIN: 2}
    assert status["refusals"] == {"tls.required": 1}


def test_status_has_what_only_the_server_process_knows(verona):
    operated = Operated(verona.host, facts=lambda: {"listening": ["here"]})
    assert result(perform(operated, "status", {}))["listening"] == ["here"]


def test_reload_gives_the_changes_or_the_fault(verona):
    operated = Operated(verona.host, reload=lambda: succeed(["limits.depth: takes effect now"]))
    assert result(perform(operated, "reload", {})) == {
        "changes": ["limits.depth: takes effect now"]
    }

    fault = ConfigError("xmppd.toml:3", "limits.depth", "unknown key", "Remove it")
    with pytest.raises(CommandError) as caught:
        result(perform(Operated(verona.host, reload=lambda: fail(fault)), "reload", {}))
    assert caught.value.problem == "xmppd.toml:3: limits.depth: unknown key"
    assert caught.value.remedy == "Remove it"


def test_without_a_server_there_is_nothing_to_reload(verona):
    assert refused(verona, "reload") == "no server runs"


@pytest.mark.parametrize("name", ["rm", "", None, ["users"]])
def test_unknown_command_is_refused(verona, name):
    with pytest.raises(CommandError, match="unknown command"):
        result(perform(Operated(verona.host), name, {}))


@pytest.mark.parametrize("args", [None, [], {"jid": 1}, {"jid": JULIET, "also": 1}, {}])
def test_arguments_of_the_wrong_kind_are_refused(verona, args):
    with pytest.raises(CommandError, match="deluser: "):
        result(perform(Operated(verona.host), "deluser", args))
    assert result(verona.host.stores.accounts.exists(JID.of("juliet", DOMAIN)))


def test_log_tells_what_an_operator_did_to_accounts_and_no_password(verona):
    with logged() as messages:
        do(verona, "adduser", jid=f"nurse@{DOMAIN}", password="angelica")
        do(verona, "passwd", jid=f"nurse@{DOMAIN}", password="susan")
        do(verona, "deluser", jid=f"nurse@{DOMAIN}")
        refused(verona, "deluser", jid=f"nurse@{DOMAIN}")
    done = ("made", "password set", "removed")
    assert messages == [f"account nurse@{DOMAIN}: {one} by an operator" for one in done]


@pytest.mark.parametrize("command", ["adduser", "passwd"])
def test_password_that_cannot_be_one_is_told_as_that(verona, command):
    problem = refused(verona, command, jid=JULIET, password="\x07")
    assert problem.startswith("unusable password: ")


def test_other_value_that_is_wrong_is_no_password(verona):
    class Broken:
        def remove(self, jid):
            raise ValueError("embedded null byte")

    verona.host.administrator = Broken()
    assert refused(verona, "deluser", jid=JULIET) == "the server failed to do it"


def test_store_that_fails_is_told_as_such(verona):
    class Busy:
        def create(self, jid, password):
            raise StoreBusy("4096 units of work are waiting")

    verona.host.administrator = Busy()
    assert refused(verona, "adduser", jid=f"nurse@{DOMAIN}", password="x") == (
        "the store failed: 4096 units of work are waiting"
    )


def test_bug_of_the_server_says_nothing_but_that(verona):
    class Broken:
        def create(self, jid, password):
            raise KeyError(password)

    verona.host.administrator = Broken()
    problem = refused(verona, "adduser", jid=f"nurse@{DOMAIN}", password="angelica")
    assert problem == "the server failed to do it"


def test_no_password_is_ever_shown():
    assert "angelica" not in repr(Credentials(jid=JULIET, password="angelica"))


def test_streams_of_a_removed_domain_end_with_host_gone_and_the_rest_goes_on():
    verona = Verona(server={"domains": [DOMAIN, "mantua.lit"]})
    juliet = verona.log_in("juliet")
    stranger = verona.connect().open(to="mantua.lit")
    stranger.take()
    verona.reload(server={"domains": [DOMAIN]})
    assert condition(stranger.elements()[-1]) == "host-gone"
    assert not juliet.closed
    answer = juliet.ask("<ping xmlns='urn:xmpp:ping'/>", to="mantua.lit")
    assert condition(answer) == "remote-server-not-found"
    verona.reload(server={"domains": [DOMAIN, "mantua.lit"]})
    answer = juliet.ask("<ping xmlns='urn:xmpp:ping'/>", to="mantua.lit")
    assert answer.get("type") == "result"


def test_every_command_that_works_offline_is_about_accounts():
    offline = {name for name, command in COMMANDS.items() if command.offline}
    assert offline == {"adduser", "passwd", "deluser", "users"}


def test_kick_tells_the_client_that_an_operator_did_it(verona):
    juliet = verona.log_in("juliet")
    do(verona, "kick", jid=JULIET)
    error = juliet.elements()[-1]
    assert condition(error) == "policy-violation"
