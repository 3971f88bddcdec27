"""Each way to log in, by clients that share no code with the server."""

import hashlib
import ssl

import pytest

from tests.e2e.verona import MASKS, VERONA, Server
from tests.support.certificates import chain_pem, key_pem, xmpp_addr
from tests.support.clients import BoundScram, Client, LoginFailed
from tests.support.peers import ExportingTLS, Peer
from tests.support.server import PASSWORD, condition
from xmppd import ns

JULIET = f"juliet@{VERONA}"
SUCCESS = f"{{{ns.SASL}}}success"


@pytest.mark.parametrize("tls", ["starttls", "direct"])
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "DIGEST-MD5"])
async def test_logs_in_over_tls(verona: Server, mechanism: str, tls: str) -> None:
    async with Client(f"{JULIET}/balcony", PASSWORD, verona, mechanism=mechanism, tls=tls) as me:
        assert me.mechanism == mechanism
        assert str(me.boundjid) == f"{JULIET}/balcony"
        assert me.socket.version() == "TLSv1.3"


async def test_direct_tls_agrees_on_xmpp_client_by_alpn(verona: Server) -> None:
    """XEP-0368 §4."""
    async with Client(JULIET, PASSWORD, verona, tls="direct") as juliet:
        assert juliet.socket.selected_alpn_protocol() == "xmpp-client"


async def test_client_left_to_choose_takes_the_strongest_it_can_do(verona: Server) -> None:
    async with Client(JULIET, PASSWORD, verona) as juliet:
        assert juliet.mechanism == "SCRAM-SHA-256"


async def test_client_that_can_only_bind_to_tls_unique_gets_in_without(verona: Server) -> None:
    """RFC 5929 §3: TLS 1.2, where slixmpp binds to what the server does not offer."""
    version = ssl.TLSVersion.TLSv1_2
    async with Client(JULIET, PASSWORD, verona, tls_version=version) as juliet:
        assert juliet.socket.version() == "TLSv1.2"
        assert juliet.mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-1")


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"])
async def test_wrong_password_is_refused(verona: Server, mechanism: str) -> None:
    with pytest.raises(LoginFailed) as failed:
        async with Client(f"nurse@{VERONA}", "anon", verona, mechanism=mechanism):
            pass
    assert "not-authorized" in failed.value.args


async def test_unknown_user_is_refused_like_a_wrong_password(verona: Server) -> None:
    with pytest.raises(LoginFailed) as failed:
        async with Client(f"rosaline@{VERONA}", PASSWORD, verona, mechanism="SCRAM-SHA-256"):
            pass
    assert "not-authorized" in failed.value.args


async def test_certificate_of_the_account_logs_in(verona: Server) -> None:
    """SASL EXTERNAL (XEP-0178 §2)."""
    pair = verona.issuer.issue([xmpp_addr(JULIET)])
    held = verona.directory / "juliet.pem"
    held.write_bytes(key_pem(pair) + chain_pem(pair))
    async with Client(JULIET, "", verona, mechanism="EXTERNAL", certificate=held) as juliet:
        assert juliet.mechanism == "EXTERNAL"
        assert juliet.boundjid.bare == JULIET


async def test_certificate_is_no_key_to_another_account(verona: Server) -> None:
    pair = verona.issuer.issue([xmpp_addr(JULIET)])
    held = verona.directory / "juliet.pem"
    held.write_bytes(key_pem(pair) + chain_pem(pair))
    client = Client(JULIET, "", verona, mechanism="EXTERNAL", certificate=held)
    client.credentials["authzid"] = f"romeo@{VERONA}"
    with pytest.raises(LoginFailed) as failed:
        await client.__aenter__()
    assert "invalid-authzid" in failed.value.args


async def test_anybody_comes_in_masked_where_anonymous_is_on(verona: Server) -> None:
    """XEP-0175: an address of the server's making."""
    async with Client(MASKS, "", verona) as guest, Client(MASKS, "", verona) as other:
        assert guest.mechanism == "ANONYMOUS"
        assert guest.boundjid.domain == MASKS
        assert guest.boundjid.local and guest.boundjid.local != other.boundjid.local


async def test_nobody_comes_in_masked_elsewhere(verona: Server) -> None:
    with pytest.raises(LoginFailed):
        async with Client(VERONA, "", verona) as guest:
            raise AssertionError(f"became {guest.boundjid}")


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"])
def test_scram_bound_to_the_tls_exporter(verona: Server, mechanism: str) -> None:
    """RFC 9266."""
    with Peer(verona.c2s, VERONA) as juliet:
        juliet.open()
        juliet.start_exporting_tls()
        offered = juliet.open()
        assert mechanism in [m.text for m in offered.iter(f"{{{ns.SASL}}}mechanism")]
        assert isinstance(juliet.transport, ExportingTLS)
        answer = juliet.scram(
            BoundScram(mechanism, "juliet", PASSWORD, "tls-exporter", juliet.transport.exported)
        )
        assert answer.tag == SUCCESS
        juliet.open()
        assert juliet.bind("balcony").jid == f"{JULIET}/balcony"


def test_scram_bound_to_another_connection_is_refused(verona: Server) -> None:
    """RFC 5802 §6: somebody is in the middle."""
    with Peer(verona.c2s, VERONA) as juliet:
        juliet.open()
        juliet.start_exporting_tls()
        juliet.open()
        answer = juliet.scram(
            BoundScram("SCRAM-SHA-256-PLUS", "juliet", PASSWORD, "tls-exporter", bytes(32))
        )
        assert condition(answer) == "not-authorized"


def test_scram_bound_to_the_servers_certificate(verona: Server) -> None:
    """RFC 5929 §4: tls-server-end-point."""
    with Peer(verona.c2s_tls, VERONA) as juliet:
        juliet.wrap(verona.authority, "xmpp-client").open()
        end_point = juliet.end_point()
        answer = juliet.scram(
            BoundScram("SCRAM-SHA-256-PLUS", "juliet", PASSWORD, "tls-server-end-point", end_point)
        )
        assert answer.tag == SUCCESS


@pytest.mark.parametrize("form", ["digest", "password"])
def test_client_older_than_sasl_logs_in(verona: Server, form: str) -> None:
    """XEP-0078 §3: a stream without a version, then jabber:iq:auth."""
    with Peer(verona.c2s, VERONA) as juliet:
        juliet.send(juliet.stream_header(version=""))
        asked = juliet.ask("<query xmlns='jabber:iq:auth'><username>juliet</username></query>")
        assert asked.find(f".//{{jabber:iq:auth}}{form}") is not None
        assert "version" not in juliet.header
        secret = PASSWORD
        if form == "digest":
            secret = hashlib.sha1((juliet.header["id"] + PASSWORD).encode()).hexdigest()
        login = (
            f"<query xmlns='jabber:iq:auth'><username>juliet</username><{form}>{secret}</{form}>"
            f"<resource>globe</resource></query>"
        )
        assert juliet.ask(login, "set").get("type") == "result"
        assert juliet.ask("<ping xmlns='urn:xmpp:ping'/>", to=VERONA).get("to") == f"{JULIET}/globe"
