"""Attacks on a real server process, by strangers and by users of it; the nurse looks on.

What each of them did before it was met stands in its name or docstring.
"""

from __future__ import annotations

import random
import resource
import socket
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.verona import VERONA, Server, running
from tests.support.peers import Ended, Peer
from tests.support.server import PASSWORD, condition
from xmppd import ns

MIB = 1024
"""In the unit of /proc, KiB."""
NEEDLE = "a needle in a haystack"
"""A password that must not be found anywhere but in the store, as keys."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that lets everything in that is optional, and tells all it knows."""
    tables = {
        "auth": {"legacy": True, "digest_md5": True},
        "registration": {"policy": "on"},
        "compression": {"enabled": True},
        "log": {"level": "debug"},
    }
    with running(tmp_path_factory.mktemp("attacked"), tables) as server:
        yield server


@pytest.fixture
def nurse(server: Server) -> Iterator[Peer]:
    """Somebody who has nothing to do with it, and is still served afterwards."""
    with Peer(server.c2s, VERONA) as peer:
        peer.log_in("nurse", PASSWORD, "hall")
        yield peer
        peer.ping()


def most_memory(server: Server) -> int:
    """The most memory that the process ever had, in KiB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def log_of(server: Server) -> str:
    return server.process.output


def fails(server: Server, name: str, password: str) -> None:
    with Peer(server.c2s, VERONA) as peer:
        peer.open()
        assert peer.authenticate(name, password).tag == f"{{{ns.SASL}}}failure"


def test_nobody_logs_in_as_another(server: Server, nurse: Peer) -> None:
    """ejabberd before 26.07: the authzid of PLAIN opened everybody's account to everybody."""
    with Peer(server.c2s, VERONA) as juliet:
        juliet.open()
        message = b64encode(f"romeo@{VERONA}\0juliet\0{PASSWORD}".encode()).decode()
        juliet.send(f"<auth xmlns='{ns.SASL}' mechanism='PLAIN'>{message}</auth>")
        assert condition(juliet.element()) == "invalid-authzid"


def test_no_password_is_told_to_the_log(server: Server, nurse: Peer) -> None:
    """Right ones and wrong ones, by every way that a password takes; at debug level."""
    with Peer(server.c2s, VERONA) as romeo:
        romeo.log_in("romeo", PASSWORD, "orchard")
        fields = f"<username>romeo</username><password>{NEEDLE}</password>"
        for query in (fields, fields.replace("romeo", "tybalt"), fields + "<remove/>"):
            romeo.ask(f"<query xmlns='{ns.REGISTER}'>{query}</query>", "set")
    fails(server, "romeo", f"{NEEDLE}\x07")
    fails(server, "mercutio", NEEDLE)
    with Peer(server.c2s, VERONA) as stranger:
        stranger.open()
        legacy = f"<username>benvolio</username><password>{NEEDLE}</password><resource>r</resource>"
        stranger.ask(f"<query xmlns='{ns.AUTH}'>{legacy}</query>", "set")
        stranger.ask(f"<query xmlns='{ns.REGISTER}'>{fields}</query>", "set")
    server.process.ctl("passwd", f"romeo@{VERONA}", stdin=f"{NEEDLE}\n")
    server.process.ctl("adduser", f"paris@{VERONA}", stdin=f"{NEEDLE}\n")
    told = log_of(server)
    assert NEEDLE not in told
    assert b64encode(NEEDLE.encode()).decode()[4:-4] not in told
    for file in (server.directory / "data").iterdir():
        if file.is_file():
            assert NEEDLE.encode() not in file.read_bytes(), file


def test_a_tag_that_fills_a_read_takes_no_memory(server: Server, nurse: Peer) -> None:
    """Ten strangers with 64 KiB each had the server take 300 MiB, and stand still for 8 s."""
    uri = "u" * 32_000
    attributes = "".join(f" a:x{n:04x}=''" for n in range(2_700))
    header = f"<stream:stream xmlns:stream='{ns.STREAM}' xmlns='{ns.CLIENT}' xmlns:a='{uri}'"
    before = most_memory(server)
    for _ in range(10):
        with Peer(server.c2s, VERONA) as tybalt:
            try:
                assert tybalt.send(f"{header}{attributes}>").ending() == "policy-violation"
            except Ended:
                pass  # it was sent away before it had sent all
    nurse.ping()
    assert most_memory(server) - before < 20 * MIB


def test_a_stranger_is_not_answered_for_ever(server: Server, nurse: Peer) -> None:
    """1 MiB of answers was kept for each of those who did not read them."""
    request = f"<iq type='get' id='r'><query xmlns='{ns.REGISTER}'/></iq>"
    with Peer(server.c2s, VERONA) as tybalt:
        tybalt.open()
        tybalt.send(request * 1_000)
        answers = [tybalt.element().tag for _ in range(51)]
        assert answers[:50] == [f"{{{ns.CLIENT}}}iq"] * 50
        assert answers[50] == f"{{{ns.STREAM}}}error"
        nurse.ping()
        assert tybalt.ending() == ""


def test_a_user_who_changes_his_password_all_the_time_holds_up_no_login(
    server: Server, nurse: Peer
) -> None:
    change = (
        f"<iq type='set' id='c'><query xmlns='{ns.REGISTER}'><username>tybalt</username>"
        f"<password>{PASSWORD}</password></query></iq>"
    )
    with Peer(server.c2s, VERONA) as tybalt:
        tybalt.log_in("tybalt", PASSWORD, "street")
        tybalt.send(change * 200)
        made = [tybalt.element().get("type") for _ in range(200)]
    assert made.count("result") <= 5


def guess(server: Server, name: str) -> None:
    """Send a wrong password, and hang up as soon as the server has looked at it."""
    seen = len(server.process.lines)
    with Peer(server.c2s, VERONA) as tybalt:
        tybalt.open()
        message = b64encode(f"\0{name}\0guess".encode()).decode()
        tybalt.send(f"<auth xmlns='{ns.SASL}' mechanism='PLAIN'>{message}</auth>")
        server.process.wait_for(f"login of {name}@", seen)


def test_who_guesses_and_hangs_up_is_soon_not_listened_to(server: Server, nurse: Peer) -> None:
    """Only telling of a failure was slowed down, so whoever did not wait guessed at full speed."""
    for _ in range(4):
        guess(server, "paris")
    with Peer(server.c2s, VERONA) as stubborn:
        stubborn.open()
        message = b64encode(b"\0paris\0guess").decode()
        stubborn.send(f"<auth xmlns='{ns.SASL}' mechanism='PLAIN'>{message}</auth>")
        guess(server, "mercutio")
        guess(server, "benvolio")
        assert log_of(server).count("login of paris@") == 4


HOSTILE_NAMES = (
    "\x1b[31mred",
    "a\n2026-01-01T00:00:00.000Z error xmppd: the log is forged",
    "\u2028line",
    "right \u202e left",
    "isolated \u2067 text",
    "{log_level}{who!r}",
    "%s%n%(x)s",
)


def test_no_name_forges_a_line_of_the_log(server: Server, nurse: Peer) -> None:
    begun = len(server.process.lines)
    for number, name in enumerate(HOSTILE_NAMES):
        message = b64encode(f"\0{name}\0{NEEDLE}{number}".encode()).decode()
        with Peer(server.c2s, VERONA) as tybalt:
            tybalt.open()
            tybalt.send(f"<auth xmlns='{ns.SASL}' mechanism='PLAIN'>{message}</auth>")
            nurse.ping()
    with Peer(server.c2s, VERONA) as tybalt:
        tybalt.send(
            f"<stream:stream xmlns:stream='{ns.STREAM}' xmlns='{ns.CLIENT}' version='1.0'"
            " to='a&#10;2026-01-01 forged'>"
        )
        assert tybalt.ending() == "host-unknown"
    for line in server.process.lines[begun:]:
        assert line.isprintable(), repr(line)
        assert not line.startswith("2026-01-01T00:00:00.000Z")


def test_what_is_kept_is_for_its_owner_alone(server: Server) -> None:
    data = server.directory / "data"
    assert data.stat().st_mode & 0o077 == 0
    open_to_others = [
        path.name
        for path in data.rglob("*")
        if path.stat().st_mode & 0o077 and path.suffix != ".crt" and path.is_file()
    ]
    assert open_to_others == []
    assert (data / "control.sock").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("seed", range(3))
def test_octets_at_random_harm_nobody(server: Server, nurse: Peer, seed: int) -> None:
    """In place of a stream, of TLS, of what comes behind `<proceed/>`, and in a compressed one."""
    noise = random.Random(seed).randbytes(5_000)
    for port in (server.c2s, server.c2s_tls):
        with Peer(port, VERONA) as tybalt:
            try:
                tybalt.send(noise).hears_nothing_more()
            except Ended:
                pass
    with Peer(server.c2s, VERONA) as tybalt:
        tybalt.open()
        tybalt.send(f"<starttls xmlns='{ns.TLS}'/>").element()
        try:
            tybalt.send(noise).hears_nothing_more()
        except Ended:
            pass
    assert "internal" not in " ".join(server.process.lines[-20:])


def test_without_open_files_left_it_lives_on_and_recovers(server: Server, nurse: Peer) -> None:
    pid = server.process.pid
    old = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    held = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (held + 10, old[1]))
    crowd = []
    try:
        for _ in range(40):
            crowd.append(socket.create_connection(("127.0.0.1", server.c2s)))
            nurse.ping()
        assert len(list(Path(f"/proc/{pid}/fd").iterdir())) <= held + 10
    finally:
        for one in crowd:
            one.close()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, old)
    nurse.ping()
    with Peer(server.c2s, VERONA) as next_one:
        next_one.open()


AS_HIMSELF = (
    "<message to='{nurse}' {x}><body/></message>",
    "<message xmlns:a='urn:x' a:from='romeo@capulet.lit' to='{nurse}' {x}><body/></message>",
    "<m:message xmlns:m='jabber:client' to='{nurse}' {x}><m:body/></m:message>",
    "<message xmlns:from='romeo@capulet.lit' to='{nurse}' {x}><body/></message>",
    "<message FROM='romeo@capulet.lit' to='{nurse}' {x}><body/></message>",
    "<message from='TYBALT@CAPULET.LIT' to='{nurse}' {x}><body/></message>",
    "<message from='\uff54ybalt@capulet.lit/street' to='{nurse}' {x}><body/></message>",
    "<message id='&apos; from=&apos;romeo@capulet.lit' to='{nurse}' {x}><body/></message>",
    "<presence to='{nurse}' {x}/>",
    "<iq type='result' id='asked' to='{nurse}' {x}><query xmlns='urn:x'/></iq>",
    "<iq type='error' id='asked' to='{nurse}' {x}/>",
)
"""What Tybalt sends to the nurse; she reads that it is from him, whatever else he writes."""

REFUSED = (
    "<message from='romeo@capulet.lit' to='{nurse}'/>",
    "<message from='rom&#101;o@capulet.lit/orchard' to='{nurse}'/>",
    "<message from='capulet.lit' to='{nurse}'/>",
    "<message from='tybalt@capulet.lit/hall' to='{nurse}'/>",
    "<message from='' to='{nurse}'/>",
    "<presence from='{nurse}' to='{nurse}'/>",
    "<iq from='romeo@capulet.lit' type='result' id='asked' to='{nurse}'/>",
    "<iq from='capulet.lit' type='set' id='1'><query xmlns='jabber:iq:register'/></iq>",
)


@pytest.mark.parametrize("stanza", AS_HIMSELF)
def test_nobody_speaks_but_as_himself(server: Server, nurse: Peer, stanza: str) -> None:
    """RFC 6120 §8.1.2.1: the server says who a stanza is from."""
    with Peer(server.c2s, VERONA) as tybalt:
        tybalt.log_in("tybalt", PASSWORD, "street")
        tybalt.send(stanza.format(nurse=nurse.jid, x="xml:lang='en'"))
        heard = nurse.element()
        assert heard.get("from") == tybalt.jid
        assert heard.get("to") == nurse.jid


@pytest.mark.parametrize("stanza", REFUSED)
def test_who_claims_to_be_another_is_sent_away(server: Server, nurse: Peer, stanza: str) -> None:
    with Peer(server.c2s, VERONA) as tybalt:
        tybalt.log_in("tybalt", PASSWORD, "street")
        assert tybalt.send(stanza.format(nurse=nurse.jid)).ending() == "invalid-from"
    answer = nurse.ask("<ping xmlns='urn:xmpp:ping'/>", to=VERONA)
    assert answer.get("from") == VERONA


@pytest.mark.parametrize(
    "header",
    [
        "to='mantua.lit'",
        "to='mantua.lit' from='tybalt@mantua.lit'",
        "to='capulet.lit' from='romeo@capulet.lit'",
        "to='masks.capulet.lit'",
    ],
)
def test_a_restart_leads_nowhere_else(server: Server, nurse: Peer, header: str) -> None:
    """CVE-2018-10847: authentication pins both ends of the stream."""
    with Peer(server.c2s, VERONA) as tybalt:
        tybalt.open()
        tybalt.authenticate("tybalt", PASSWORD)
        tybalt.restart()
        tybalt.send(
            f"<stream:stream {header} version='1.0' xmlns='{ns.CLIENT}' xmlns:stream='{ns.STREAM}'>"
        )
        assert tybalt.ending() in ("not-authorized", "invalid-from")
