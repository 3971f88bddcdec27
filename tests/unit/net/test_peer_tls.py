"""TLS with other servers: what we show them, what we tell them, what we refuse (XEP-0368 §3)."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from OpenSSL import SSL

from tests.support.certificates import DAY, NOW, Authority, dns, write_pair
from tests.support.memory_tls import advance, client, drain, handshake, move
from tests.support.peer_tls import connected_from, connected_to, facts, showing, store_in
from xmppd.config import S2S, TLS
from xmppd.net import contexts
from xmppd.net.contexts import NoSharedProtocol
from xmppd.net.pairs import Pair
from xmppd.net.peers import Incoming, Outgoing, PeerFacts
from xmppd.net.tls import CertificateStore

CA = Authority()
OTHER = CA.issue(dns("mantua.example"))
SERVED = ["verona.example", "münchen.example"]
ROOMS = "conference.verona.example"


@pytest.fixture
def store(tmp_path: Path) -> CertificateStore:
    return store_in(tmp_path, CA, domains=SERVED)


def names_of(certificate: x509.Certificate | None) -> list[str]:
    assert certificate is not None
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return extension.value.get_values_for_type(x509.DNSName)


def shown(store: CertificateStore, **options: Any) -> list[str]:
    """The names in the certificate that a server is shown that connects to us."""
    _, theirs = connected_from(store, showing(OTHER), **options)
    return names_of(theirs.get_peer_certificate(as_cryptography=True))


def shown_to(store: CertificateStore, local: str) -> list[str]:
    """The names in the certificate that a server is shown that `local` has connected to."""

    def asking(context: SSL.Context) -> None:
        showing(OTHER)(context)
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)

    _, theirs = connected_to(store, asking, local=local)
    return names_of(theirs.get_peer_certificate(as_cryptography=True))


# Incoming


@pytest.mark.parametrize(
    ("to", "server_name", "certificate"),
    [
        ("", "", "verona.example"),
        ("", "xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("münchen.example", "", "xn--mnchen-3ya.example"),
        ("münchen.example", "verona.example", "verona.example"),
        ("elsinore.example", "elsinore.example", "verona.example"),
    ],
)
def test_a_server_is_shown_the_domains_certificate_as_a_client_is(
    store: CertificateStore, to: str, server_name: str, certificate: str
) -> None:
    assert shown(store, domain=to, server_name=server_name) == [certificate]


@pytest.mark.parametrize("server_name", ["", "xn--mnchen-3ya.example"])
def test_each_is_asked_for_a_certificate_and_may_have_none(
    store: CertificateStore, server_name: str
) -> None:
    for version in ("1.2", "1.3"):
        ours, theirs = connected_from(store, showing(None), version, server_name=server_name)
        assert PeerFacts(ours).problem == "no certificate"
        assert not PeerFacts(ours).proves("mantua.example")
        assert theirs.get_client_ca_list() == [], "a list of all authorities would be huge"
        ours, _ = connected_from(store, showing(OTHER), version, server_name=server_name)
        assert PeerFacts(ours).proves("mantua.example")


def test_alpn_selects_xmpp_server_xep0368(store: CertificateStore) -> None:
    _, theirs = connected_from(store, showing(OTHER), alpn=[b"h2", b"xmpp-server"])
    assert theirs.get_alpn_proto_negotiated() == b"xmpp-server"


@pytest.mark.parametrize("alpn", [[b"xmpp-client"], [b"h2", b"http/1.1"]])
@pytest.mark.parametrize("server_name", ["", "xn--mnchen-3ya.example"])
def test_alpn_without_xmpp_server_is_refused(
    store: CertificateStore, alpn: list[bytes], server_name: str
) -> None:
    ours = Incoming(store).serverConnectionForTLS(None)
    theirs = client(alpn=alpn, server_name=server_name)
    with pytest.raises(NoSharedProtocol):
        handshake(ours, theirs)
    move(ours, theirs)
    with pytest.raises(SSL.Error, match="no application protocol"):
        advance(theirs)


def test_a_client_is_no_server_by_alpn_and_the_other_way_round(store: CertificateStore) -> None:
    with pytest.raises(NoSharedProtocol):
        handshake(store.creator().serverConnectionForTLS(None), client(alpn=[b"xmpp-server"]))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_no_session_is_resumed_which_would_bring_no_certificate(
    store: CertificateStore, version: ssl.TLSVersion
) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    session = None
    for _ in range(2):
        ours = Incoming(store).serverConnectionForTLS(None)
        ours.set_accept_state()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        theirs = context.wrap_bio(incoming, outgoing, session=session)
        greeting = b""
        while not greeting:
            try:
                theirs.do_handshake()
                greeting = theirs.read(1)
            except ssl.SSLWantReadError:
                ours.bio_write(outgoing.read())
            if advance(ours):
                ours.send(b".")
            incoming.write(ours.bio_read(65_536))
        ours.shutdown()
        assert theirs.session_reused is False
        session = theirs.session


@pytest.mark.parametrize("connect", [connected_from, connected_to])
def test_a_strangers_long_chain_is_not_followed_in_the_handshake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connect: Callable[..., Any]
) -> None:
    looks: list[int] = []
    monkeypatch.setattr(contexts, "_whatever", lambda *look: looks.append(1) or True)
    issuer = Authority("Tybalt")
    for number in range(40):
        issuer = issuer.intermediate(f"Tybalt {number}")
    ours, _ = connect(store_in(tmp_path, CA), showing(issuer.issue(dns("mantua.example"))))
    assert len(looks) < 10
    assert PeerFacts(ours).problem.startswith("unable to get local issuer certificate")


# Outgoing


@pytest.mark.parametrize(
    ("remote", "server_name"),
    [
        ("mantua.example", b"mantua.example"),
        ("padua.münchen.example", b"padua.xn--mnchen-3ya.example"),
        ("192.0.2.7", None),
        ("[2001:db8::1]", None),
    ],
)
@pytest.mark.parametrize("direct", [False, True])
def test_the_other_server_is_told_by_name_whom_we_mean_xep0368_3(
    store: CertificateStore, remote: str, server_name: bytes | None, direct: bool
) -> None:
    _, theirs = connected_to(store, showing(OTHER), remote=remote, direct=direct)
    assert theirs.get_servername() == server_name


@pytest.mark.parametrize(("direct", "offered"), [(True, [b"xmpp-server"]), (False, None)])
def test_alpn_is_offered_with_direct_tls_only_xep0368_3(
    store: CertificateStore, direct: bool, offered: list[bytes] | None
) -> None:
    seen: list[list[bytes]] = []

    def selecting(context: SSL.Context) -> None:
        showing(OTHER)(context)
        context.set_alpn_select_callback(lambda _, names: seen.append(names) or names[0])

    ours, _ = connected_to(store, selecting, direct=direct)
    assert seen == ([offered] if offered else [])
    assert ours.get_alpn_proto_negotiated() == (b"xmpp-server" if direct else b"")


@pytest.mark.parametrize(
    ("local", "certificate"),
    [
        ("verona.example", "verona.example"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("elsinore.example", "verona.example"),
    ],
)
def test_it_is_shown_the_certificate_of_the_domain_that_connects(
    store: CertificateStore, local: str, certificate: str
) -> None:
    assert shown_to(store, local) == [certificate]


def test_the_minimum_version_holds_both_ways(tmp_path: Path) -> None:
    store = store_in(tmp_path, CA, tls=TLS(minimum="1.3"))
    for connect in (connected_from, connected_to):
        with pytest.raises(SSL.Error):
            connect(store, showing(OTHER), "1.2")
        connect(store, showing(OTHER), "1.3")


def test_ciphers_hold_both_ways(tmp_path: Path) -> None:
    store = store_in(tmp_path, CA, tls=TLS(ciphers="ECDHE-ECDSA-AES256-GCM-SHA384"))

    def another(context: SSL.Context) -> None:
        context.set_cipher_list(b"ECDHE-ECDSA-AES128-GCM-SHA256")
        showing(OTHER)(context)

    for connect in (connected_from, connected_to):
        with pytest.raises(SSL.Error):
            connect(store, another, "1.2")
        connect(store, showing(OTHER), "1.2")


def test_a_renegotiation_that_the_other_server_asks_for_is_refused(
    store: CertificateStore,
) -> None:
    ours, theirs = connected_to(store, showing(OTHER), "1.2")
    theirs.renegotiate()
    with pytest.raises(SSL.Error, match="no renegotiation"):
        for _ in range(4):
            advance(theirs)
            move(theirs, ours)
            drain(ours)
            move(ours, theirs)
            drain(theirs)
    assert ours.total_renegotiations() == 0


# Domains of components


def issue(directory: Path, domain: str, *names: str, **options: Any) -> Pair:
    pair = CA.issue(dns(*(names or (domain,))), **options)
    write_pair(pair, directory / f"{domain}.crt", directory / f"{domain}.key")
    return pair


def with_rooms(directory: Path, *more: str) -> CertificateStore:
    tls = TLS(certificates=str(directory))
    return store_in(directory, CA, tls=tls, components=[ROOMS, *more])


def test_a_component_has_its_own_certificate_for_other_servers(tmp_path: Path) -> None:
    issue(tmp_path, "verona.example")
    issue(tmp_path, ROOMS)
    store = with_rooms(tmp_path)
    assert store.problems == ()
    assert shown(store, server_name=ROOMS) == [ROOMS]
    assert shown(store, domain=ROOMS) == [ROOMS]
    assert shown_to(store, ROOMS) == [ROOMS]
    assert shown(store) == ["verona.example"]


def test_a_component_is_no_domain_of_clients(tmp_path: Path) -> None:
    issue(tmp_path, "verona.example")
    issue(tmp_path, ROOMS)
    store = with_rooms(tmp_path)
    peer = client(server_name=ROOMS)
    handshake(store.creator().serverConnectionForTLS(None), peer)
    assert names_of(peer.get_peer_certificate(as_cryptography=True)) == ["verona.example"]


@pytest.mark.parametrize(
    "names", [["verona.example", "*.verona.example"], ["verona.example", ROOMS]]
)
def test_a_components_certificate_may_be_its_parents(tmp_path: Path, names: list[str]) -> None:
    issue(tmp_path, "verona.example", *names)
    store = with_rooms(tmp_path)
    assert store.problems == ()
    assert shown_to(store, ROOMS) == names


@pytest.mark.parametrize("component", [ROOMS, "a.b.verona.example", "elsewhere.example"])
def test_a_component_without_one_is_no_problem_and_has_the_nearest(
    tmp_path: Path, component: str
) -> None:
    """Dialback proves its name then."""
    issue(tmp_path, "verona.example")
    store = with_rooms(tmp_path, component)
    assert store.problems == ()
    assert shown_to(store, component) == ["verona.example"]
    assert shown(store, server_name=component) == ["verona.example"]


def test_a_component_has_the_nearest_domains_self_signed_one(tmp_path: Path) -> None:
    domains = ["mantua.example", "verona.example"]
    store = store_in(tmp_path, CA, domains=domains, components=[ROOMS])
    assert shown_to(store, ROOMS) == ["verona.example"]
    assert not (tmp_path / "certs" / f"{ROOMS}.crt").exists()


def test_a_components_own_certificate_that_is_of_no_use_is_a_problem(tmp_path: Path) -> None:
    issue(tmp_path, "verona.example")
    issue(tmp_path, ROOMS, start=NOW - 9 * DAY, end=NOW - DAY)
    (problem,) = with_rooms(tmp_path).problems
    assert (problem.domain, "expired" in problem.problem) == (ROOMS, True)
    (tmp_path / f"{ROOMS}.key").write_text("alas")
    store = with_rooms(tmp_path)
    assert [one.domain for one in store.problems] == [ROOMS]
    assert shown_to(store, ROOMS) == ["verona.example"]


# Reload


def test_a_reload_takes_certificates_and_authorities_together(tmp_path: Path) -> None:
    tls = TLS(certificates=str(tmp_path))
    issue(tmp_path, "verona.example")
    store = store_in(tmp_path, CA, tls=tls)
    waiting = Outgoing(store, "verona.example", "mantua.example").clientConnectionForTLS(None)
    stranger = Authority("Tybalt")
    theirs = stranger.issue(dns("mantua.example"))
    assert not facts(store, theirs, "incoming").proves("mantua.example")
    issue(tmp_path, ROOMS)
    stranger.write(tmp_path / "authorities.pem")
    before = store.trust
    take = store.prepare(
        tls, ["verona.example"], S2S(ca=str(tmp_path / "authorities.pem")), [ROOMS]
    )
    assert store.trust is before
    assert shown(store, server_name=ROOMS) == ["verona.example"]
    take()
    for role in ("incoming", "outgoing"):
        assert facts(store, theirs, role).proves("mantua.example")
        assert not facts(store, OTHER, role).proves("mantua.example")
    assert shown(store, server_name=ROOMS) == [ROOMS]
    assert waiting.trust is before, "one that has begun is not judged by other rules"


def test_without_other_servers_there_is_nothing_for_them(tmp_path: Path) -> None:
    store = CertificateStore(TLS(), SERVED, str(tmp_path))
    with pytest.raises(KeyError):
        store.context_for("verona.example", contexts.incoming)
