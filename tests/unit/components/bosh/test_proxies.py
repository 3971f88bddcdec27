import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.bosh.http.proxies import Proxies
from components.bosh.http.request import Peer

HERE = {b"host": b"localhost:5280"}


def seen(direct="127.0.0.1", tls=False, version="1.1", trusted=None, by_forwarded=False, **headers):
    proxies = Proxies(forwarded=by_forwarded) if trusted is None else Proxies(trusted)
    written = {name.replace("_", "-").encode(): text.encode() for name, text in headers.items()}
    return proxies.seen(direct, tls, written, version)


def test_a_client_without_a_proxy():
    assert seen("192.0.2.7", True, host="chat.example.org") == Peer("192.0.2.7", True, True)
    assert seen("192.0.2.7", False, host="chat.example.org") == Peer("192.0.2.7", False)


def test_tls_from_this_machine_needs_no_name_of_it():
    assert seen("127.0.0.1", True, host="chat.example.org") == Peer("127.0.0.1", True, True)


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost:5280", "127.0.0.1:5280", "127.8.9.1", "[::1]:5280", "[::1]"]
)
@pytest.mark.parametrize("direct", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_nobody_is_between_on_this_machine(direct, host):
    assert seen(direct, host=host).secure
    assert not seen(direct, host=host).tls


@pytest.mark.parametrize(
    "sign",
    [
        {"host": "chat.example.org"},
        {"host": "localhost.example.org"},
        {"host": "localhost@example.org"},
        {"host": "localhost,chat.example.org"},
        {"host": ""},
        {"version": "1.0"},
        {"via": "1.1 proxy"},
        {"x_real_ip": "192.0.2.7"},
        {"x_forwarded_host": "localhost"},
        {"x_forwarded_port": "80"},
        {"cf_connecting_ip": "192.0.2.7"},
        {"sec_fetch_site": "cross-site"},
        {"forwarded": "for=127.0.0.1;proto=https"},
        {"origin": "http://chat.example.org"},
        {"origin": "null"},
    ],
)
def test_a_sign_of_somebody_between(sign):
    assert not seen(**{"host": "localhost:5280", **sign}).secure


def test_a_page_of_this_machine_is_no_sign():
    assert seen(host="localhost:5280", origin="http://localhost:5280").secure
    assert seen(host="localhost:5280", sec_fetch_site="same-origin").secure


def test_from_elsewhere_a_loopback_name_means_nothing():
    assert not seen("192.0.2.7", host="localhost:5280").secure


def test_a_proxy_tells_of_its_client():
    told = seen(host="localhost:5280", x_forwarded_for="192.0.2.7", x_forwarded_proto="https")
    assert told == Peer("192.0.2.7", True, True)


@pytest.mark.parametrize("proto", ["http", "", "https, http", "http, https", "HTTPSS"])
def test_a_proxy_that_was_asked_without_tls(proto):
    told = seen(x_forwarded_for="192.0.2.7", x_forwarded_proto=proto)
    assert told == Peer("192.0.2.7", False)


def test_a_proxy_that_does_not_say_is_insecure():
    assert seen(x_forwarded_for="192.0.2.7") == Peer("192.0.2.7", False)
    assert seen(tls=True, x_forwarded_for="192.0.2.7") == Peer("192.0.2.7", False)


def test_all_proxies_said_https():
    told = seen(x_forwarded_for="192.0.2.7", x_forwarded_proto="https, HTTPS")
    assert told.secure


def test_what_the_client_writes_to_the_left_is_not_believed():
    told = seen(x_forwarded_for="127.0.0.1, 198.51.100.9, 192.0.2.7", x_forwarded_proto="https")
    assert told.address == "192.0.2.7"


def test_through_several_proxies_that_are_trusted():
    hops = "198.51.100.9, 192.0.2.7, 10.1.2.3"
    chain = {"x_forwarded_for": hops, "x_forwarded_proto": "https"}
    assert seen("127.0.0.1", trusted=["127.0.0.1", "10.0.0.0/8"], **chain).address == "192.0.2.7"
    assert seen("127.0.0.1", trusted=["127.0.0.1"], **chain).address == "10.1.2.3"
    assert seen("10.1.2.3", trusted=["127.0.0.1"], **chain).address == "10.1.2.3"


def test_a_client_at_a_trusted_address():
    assert seen(x_forwarded_for="127.0.0.1", x_forwarded_proto="https").address == "127.0.0.1"


def test_who_is_not_trusted_tells_nothing():
    told = seen("192.0.2.7", x_forwarded_for="198.51.100.9", x_forwarded_proto="https")
    assert told == Peer("192.0.2.7", False)
    assert seen("127.0.0.1", trusted=[], x_forwarded_for="198.51.100.9") == Peer("127.0.0.1", False)


@pytest.mark.parametrize(
    "nonsense",
    ["", " ", "unknown", "juliet", "192.0.2.7,", "1.2.3", "1.2.3.4.5", "[::1", "::g", "<x/>"],
)
def test_nonsense_is_the_proxys_own_and_insecure(nonsense):
    told = seen(x_forwarded_for=nonsense, x_forwarded_proto="https")
    assert told == Peer("127.0.0.1", False)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("192.0.2.7:4711", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
    ],
)
def test_the_ways_to_write_an_address(written, meant):
    assert seen(x_forwarded_for=written, x_forwarded_proto="https") == Peer(meant, True, True)


def test_a_mapped_address_is_the_v4_one():
    assert seen("::ffff:192.0.2.7", host="x").address == "192.0.2.7"
    assert Proxies(["10.0.0.1"]).trusts("::ffff:10.0.0.1")
    assert Proxies(["::ffff:10.0.0.0/104"]).trusts("10.9.9.9")


def test_a_unix_socket_is_this_machines():
    told = seen("", x_forwarded_for="192.0.2.7", x_forwarded_proto="https")
    assert told == Peer("192.0.2.7", True, True)
    assert seen("", host="chat.example.org") == Peer("127.0.0.1", False)
    assert Proxies().trusts("")
    assert not Proxies(["10.0.0.1"]).trusts("")


def test_a_trusted_network_that_is_none():
    with pytest.raises(ValueError, match="example"):
        Proxies(["proxy.example.org"])


def test_forwarded_rfc7239():
    assert seen(by_forwarded=True, x_real_ip="1.2.3.4") == Peer("127.0.0.1", False)
    proxies = Proxies(["127.0.0.1", "10.0.0.0/8"], forwarded=True)

    def read(text):
        return proxies.seen("127.0.0.1", False, {b"forwarded": text})

    assert read(b"for=192.0.2.7;proto=https") == Peer("192.0.2.7", True, True)
    assert read(b'For="[2001:db8::7]:4711"; Proto=https;by=10.0.0.1').address == "2001:db8::7"
    assert read(b"for=192.0.2.7;proto=http") == Peer("192.0.2.7", False)
    assert read(b"for=192.0.2.7") == Peer("192.0.2.7", False)
    assert read(b"for=192.0.2.7;proto=http, for=10.0.0.2;proto=https") == Peer("192.0.2.7", False)
    assert read(b"for=192.0.2.7;proto=https, for=10.0.0.2;proto=http") == Peer("192.0.2.7", False)
    assert read(b"for=9.9.9.9, for=192.0.2.7;proto=https") == Peer("192.0.2.7", True, True)
    assert read(b'for="192.0.2.7,9.9.9.9";proto=https') == Peer("127.0.0.1", False)
    for nonsense in (b"", b"for=unknown;proto=https", b"for=_gone;proto=https", b"proto=https"):
        assert read(nonsense) == Peer("127.0.0.1", False)
    assert read(b"for=1.1.1.1;for=2.2.2.2;proto=https") == Peer("127.0.0.1", False)


@pytest.mark.parametrize("left", [b'for="9.9.9.9', b'for=9.9.9.9;by="', b'for=9.9.9.9;x="\\', b'"'])
def test_an_open_quote_of_the_client_swallows_nothing_rfc7239_4(left):
    proxies = Proxies(forwarded=True)
    written = left + b', for="[2001:db8::7]";proto=https'
    peer = proxies.seen("127.0.0.1", False, {b"forwarded": written})
    assert peer == Peer("2001:db8::7", True, True)


@given(
    st.binary(max_size=60)
    | st.text('for=192.0.2.7"\\\\;,[]: proto=https', max_size=60).map(str.encode)
)
def test_nothing_that_a_client_writes_to_the_left_changes_who_he_is(left):
    behind = {
        False: {b"x-forwarded-for": left + b", 192.0.2.7", b"x-forwarded-proto": b"https"},
        True: {b"forwarded": left + b', for="192.0.2.7:80";proto=https'},
    }
    for forwarded, headers in behind.items():
        peer = Proxies(forwarded=forwarded).seen("127.0.0.1", False, headers)
        assert peer == Peer("192.0.2.7", True, True)


@given(st.sampled_from([b"host", b"origin", b"via", b"x-forwarded-for", b"forwarded"]), st.binary())
def test_nothing_that_is_written_makes_a_client_from_elsewhere_secure(name, value):
    for forwarded in (False, True):
        headers = {b"host": b"localhost", name: value, b"x-forwarded-proto": b"https"}
        peer = Proxies(forwarded=forwarded).seen("192.0.2.7", False, headers)
        assert peer == Peer("192.0.2.7", False)


def test_only_the_header_that_the_proxies_write_is_read():
    headers = {b"x-forwarded-for": b"9.9.9.9", b"x-forwarded-proto": b"https"}
    headers[b"forwarded"] = b"for=192.0.2.7;proto=https"
    read = {kind: Proxies(forwarded=kind).seen("::1", False, headers) for kind in (False, True)}
    assert read[False].address == "9.9.9.9"
    assert read[True].address == "192.0.2.7"
    del headers[b"forwarded"]
    assert Proxies(forwarded=True).seen("::1", False, headers) == Peer("::1", False)
