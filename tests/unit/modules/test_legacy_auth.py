"""Non-SASL Authentication (XEP-0078)."""

import pytest
from twisted.internet.defer import fail

from tests.support.deferred import result
from tests.support.server import DOMAIN, PASSWORD, STRANGER, Verona, condition
from xmppd import ns
from xmppd.errors import StoreBusy
from xmppd.jid import JID
from xmppd.stream.sasl.legacy import digest

A = f"{{{ns.AUTH}}}"
QUERY = f"<query xmlns='{ns.AUTH}'/>"


def query(**given):
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in given.items())
    return f"<query xmlns='{ns.AUTH}'>{inner}</query>"


def plain(username="juliet", password=PASSWORD, resource="balcony"):
    return query(username=username, password=password, resource=resource)


def digested(client, username="juliet", password=PASSWORD, resource="balcony"):
    return query(username=username, digest=digest(client.header["id"], password), resource=resource)


def connect(server, address="127.0.0.1", **options):
    client = server.connect(address, **options).open()
    client.take()
    return client


def legacy(**tables):
    auth = {"legacy": True, **tables.pop("auth", {})}
    return Verona(auth=auth, **tables)


def fields(answer):
    return [child.tag.removeprefix(A) for child in answer[0]]


@pytest.fixture
def server():
    return legacy()


@pytest.fixture
def client(server):
    return connect(server)


# ---------------------------------------------------------------- §3.1: the fields


def test_3_1_the_fields_are_told_whoever_asks(client):
    seen = [fields(client.ask(q)) for q in (QUERY, query(username="juliet"), query(username="x"))]
    assert seen == [["username", "password", "digest", "resource"]] * 3


def test_3_1_no_plain_password_where_plain_is_off():
    client = connect(legacy(auth={"plain_without_tls": "never"}))
    assert fields(client.ask(QUERY)) == ["username", "digest", "resource"]
    assert condition(client.ask(plain(), "set")) == "policy-violation"
    assert client.ask(digested(client), "set").get("type") == "result"


def test_3_1_switched_off_it_is_unavailable():
    client = connect(Verona())
    assert condition(client.ask(QUERY)) == "service-unavailable"
    assert condition(client.ask(plain(), "set")) == "service-unavailable"


def test_switched_off_by_a_reload_it_is_off_on_open_streams(server, client):
    server.reload()
    assert condition(client.ask(plain(), "set")) == "service-unavailable"


def test_it_is_unavailable_where_everybody_is_anonymous():
    client = connect(legacy(auth={"anonymous": [DOMAIN]}))
    assert condition(client.ask(plain(), "set")) == "service-unavailable"


@pytest.mark.parametrize("on", [True, False])
def test_4_the_stream_feature_is_offered_where_it_is_on(on):
    features = Verona(auth={"legacy": on}).connect().open().one()
    assert (features.find(f"{{{ns.AUTH_FEATURE}}}auth") is not None) is on


# ---------------------------------------------------------------- §3.1: logging in


@pytest.mark.parametrize("fill_in", [lambda client: plain(), digested])
@pytest.mark.parametrize("version", ["1.0", None])
def test_3_1_the_right_credentials_bind_the_resource_asked_for(server, fill_in, version):
    client = server.connect().open(version=version)
    client.take()
    answer = client.ask(fill_in(client), "set", to=DOMAIN)
    assert (answer.get("type"), len(answer)) == ("result", 0)
    session = server.host.directory.get(f"juliet@{DOMAIN}/balcony")
    assert session is client.connection.session
    romeo = server.log_in("romeo", "orchard")
    client.send(f"<message to='{romeo.jid}'><body>Ay me!</body></message>")
    assert romeo.one().get("from") == f"juliet@{DOMAIN}/balcony"


def test_a_client_from_before_1_0_reads_no_features_and_needs_no_to(server):
    client = server.connect().open(to=None, version=None)
    assert client.elements() == []
    assert "version" not in client.header
    assert client.ask(plain(), "set").get("type") == "result"


def test_3_1_a_digest_is_of_this_streams_id(server, client):
    stolen = digested(client)
    other = connect(server)
    assert condition(other.ask(stolen, "set")) == "not-authorized"


@pytest.mark.parametrize("username", ["juliet", "nobody", "juliet@montague.lit", "\u00ad"])
@pytest.mark.parametrize("fill_in", [lambda c, u: plain(u, "x"), lambda c, u: digested(c, u, "x")])
def test_3_1_wrong_password_and_unknown_user_are_not_authorized_alike(client, fill_in, username):
    answer = client.ask(fill_in(client, username), "set")
    assert condition(answer) == "not-authorized"
    assert (answer[0].get("type"), answer[0].get("code")) == ("auth", "401")
    assert len(answer[0]) == 1


def test_an_account_that_is_switched_off_does_not_log_in(server, client):
    result(server.host.stores.accounts.set_enabled(JID.of("juliet", DOMAIN), False))
    assert condition(client.ask(plain(), "set")) == "not-authorized"
    assert server.host.refusals.recent[-1].reason == "auth.disabled"


@pytest.mark.parametrize("missing", ["username", "resource", "password"])
@pytest.mark.parametrize("how", ["left out", "empty"])
def test_3_1_missing_information_is_not_acceptable(client, missing, how):
    given = {"username": "juliet", "password": PASSWORD, "resource": "balcony"}
    if how == "empty":
        given[missing] = ""
    else:
        del given[missing]
    answer = client.ask(query(**given), "set")
    assert condition(answer) == "not-acceptable"
    assert (answer[0].get("type"), answer[0].get("code")) == ("modify", "406")


def test_3_1_nothing_is_repeated_in_errors(client):
    client.ask(plain(password="a secret"), "set")
    assert b"a secret" not in client.log


def test_after_an_error_the_client_may_try_again(client):
    client.ask(plain(password="x"), "set")
    assert client.ask(plain(), "set").get("type") == "result"


def test_it_is_for_the_streams_own_domain_only():
    server = legacy(server={"domains": [DOMAIN, "montague.lit"]})
    server.account("juliet", "another password", "montague.lit")
    client = connect(server)
    assert condition(client.ask(plain(), "set", to="montague.lit")) == "service-unavailable"
    assert condition(client.ask(plain(password="another password"), "set")) == "not-authorized"


# ---------------------------------------------------------------- §3.1: resource conflicts


def test_3_1_a_resource_conflict_ends_the_existing_session(server, client):
    before = server.log_in("juliet", "balcony")
    assert client.ask(plain(), "set").get("type") == "result"
    assert condition(before.one()) == "conflict"
    assert before.closed


@pytest.mark.parametrize("policy", ["refuse", "rename"])
def test_3_1_or_refuses_the_new_one(policy):
    server = legacy(server={"resource_conflict": policy})
    before, client = server.log_in("juliet", "balcony"), connect(server)
    answer = client.ask(plain(), "set")
    assert condition(answer) == "conflict"
    assert (answer[0].get("type"), answer[0].get("code")) == ("cancel", "409")
    assert not before.closed
    assert client.ask(plain(resource="tomb"), "set").get("type") == "result"


def test_a_malformed_resource_is_refused(server, client):
    assert condition(client.ask(plain(resource="b" * 1024), "set")) == "bad-request"
    assert not server.host.directory.of(f"juliet@{DOMAIN}")
    assert client.ask(plain(), "set").get("type") == "result"


# ---------------------------------------------------------------- §7: security


@pytest.mark.parametrize("type_", ["get", "set"])
def test_7_tls_comes_first_where_it_is_required(server, type_):
    client = connect(server, STRANGER)
    client.send(f"<iq type='{type_}' id='1'>{plain()}</iq>")
    assert condition(client.one()) == "policy-violation"
    assert client.closed
    assert server.host.refusals.recent[-1].reason == "tls.required"


def test_7_after_tls_it_goes_on(server):
    client = connect(server, STRANGER)
    client.send(f"<starttls xmlns='{ns.TLS}'/>").open().take()
    assert client.ask(plain(), "set").get("type") == "result"


def test_7_after_a_failed_sasl_attempt_the_stream_ends(client):
    client.authenticate("juliet", "x").take()
    client.send(f"<iq type='get' id='1'>{QUERY}</iq>")
    assert condition(client.one()) == "policy-violation"
    assert client.closed


def test_failed_attempts_are_limited_as_those_of_sasl():
    server = legacy(auth={"max_attempts": 2})
    client = connect(server)
    assert condition(client.ask(plain(password="x"), "set")) == "not-authorized"
    client.send(f"<iq type='set' id='last'>{plain(password='x')}</iq>")
    answer, end = client.elements()
    assert (condition(answer), condition(end)) == ("not-authorized", "policy-violation")
    assert client.closed


def test_requests_that_are_no_attempts_do_not_count():
    client = connect(legacy(auth={"max_attempts": 1}))
    client.ask(QUERY)
    client.ask(query(username="juliet"), "set")
    assert client.ask(plain(), "set").get("type") == "result"


def test_failures_slow_down_like_those_of_sasl(server):
    for _ in range(2):
        connect(server).ask(plain(password="x"), "set")
    client = connect(server)
    client.send(f"<iq type='set' id='late'>{plain(password='x')}</iq>")
    assert client.take() == b""
    server.clock.advance(30)
    assert condition(client.one()) == "not-authorized"
    assert connect(server).ask(plain(), "set").get("type") == "result"
    assert server.throttle.delay(f"juliet@{DOMAIN}", "") == 0


@pytest.mark.parametrize("fill_in", [lambda client: plain(), digested])
def test_a_store_that_cant_answer_is_not_held_against_the_client(monkeypatch, fill_in):
    server = legacy(auth={"max_attempts": 1})
    client = connect(server)

    def busy(jid):
        return fail(StoreBusy("the disk is full"))

    with monkeypatch.context() as broken:
        broken.setattr(server.host.stores.accounts, "get", busy)
        answer = client.ask(fill_in(client), "set")
    assert (condition(answer), answer[0].get("type")) == ("internal-server-error", "wait")
    assert client.ask(fill_in(client), "set").get("type") == "result"


def test_who_hangs_up_while_the_password_is_checked_leaves_no_session(server, client):
    for _ in range(9):
        server.throttle.failed(f"juliet@{DOMAIN}", "127.0.0.1")
    client.send(f"<iq type='set' id='late'>{plain(password='x')}</iq>")
    client.hang_up()
    server.clock.advance(60)
    assert len(server.host.directory) == 0
    assert not server.host.connections


@pytest.mark.parametrize("held", ["the attempt", "its failure"])
def test_who_hangs_up_while_an_answer_is_held_back_is_forgotten(server, held):
    """Else each attempt would keep its connection for as long as the throttle says."""
    for _ in range(9):
        server.throttle.failed(f"juliet@{DOMAIN}", "127.0.0.1" if held == "the attempt" else "::1")
    before = len(server.clock.getDelayedCalls())
    for _ in range(3):
        client = connect(server)
        client.send(f"<iq type='set' id='late'>{plain(password='x')}</iq>")
        assert client.take() == b""
        client.hang_up()
    server.clock.advance(0)
    assert len(server.clock.getDelayedCalls()) == before
    assert not server.host.connections
    assert server.host.refusals.counts["stanza.internal"] == 0


def test_a_client_that_is_too_slow_to_wait_is_told_so(server):
    for _ in range(9):
        server.throttle.failed(f"juliet@{DOMAIN}", "127.0.0.1")
    client = connect(server)
    server.clock.advance(server.config.limits.negotiation_seconds - 1)
    client.send(f"<iq type='set' id='late'>{plain()}</iq>")
    server.clock.advance(1)
    assert condition(client.one()) == "connection-timeout"
    assert client.closed
    assert server.host.refusals.counts["stanza.internal"] == 0


def test_a_digest_needs_a_password_that_was_set_since_digests_are_on(server, client):
    from tests.support.server import _credentials

    accounts = server.host.stores.accounts
    result(accounts.set_credentials(JID.of("juliet", DOMAIN), _credentials(PASSWORD, False)))
    assert condition(client.ask(digested(client), "set")) == "not-authorized"
    assert client.ask(plain(), "set").get("type") == "result"
    # Logging in with the password itself has sealed it.
    again = connect(server)
    assert again.ask(digested(again), "set").get("type") == "result"


def test_a_bound_session_has_no_use_for_it(server):
    juliet = server.log_in("juliet")
    assert condition(juliet.ask(plain("romeo"), "set", to=DOMAIN)) == "service-unavailable"
    assert juliet.connection.session.account == f"juliet@{DOMAIN}"


def test_a_wrong_digest_counts_against_the_account_however_its_name_is_spelled(server):
    """SASLprep drops the soft hyphens; with them the name is longer than an address may be."""
    padded = "juliet" + "\u00ad" * 600
    for _ in range(5):
        attempt = query(username=padded, digest="0" * 40, resource="balcony")
        connect(server).send(f"<iq type='set' id='a'>{attempt}</iq>").hang_up()
        server.clock.advance(3)
    throttle = server.host.authenticator.throttle
    assert throttle.delay(f"juliet@{DOMAIN}", "127.0.0.1") > 0
    assert throttle.book(f"juliet@{DOMAIN}", "127.0.0.1") != 0
