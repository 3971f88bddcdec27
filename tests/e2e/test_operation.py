"""The real process: how it starts, reloads, stops, and what it says when it can't."""

import json
import os
import signal
import socket
import sqlite3
import subprocess

import pytest

from tests.support.certificates import Authority, dns, write_pair
from tests.support.peers import Peer
from tests.support.process import (
    BIN,
    PATIENCE,
    READY,
    RunningServer,
    environment,
    run,
    run_server,
    until,
    write_config,
    xmppctl,
)

JULIET = "juliet@localhost"


def reload(server, expect="are read again"):
    start = len(server.lines)
    server.signal(signal.SIGHUP)
    return server.wait_for(expect, start)


def add(server, *names):
    server.add(*(f"{name}@localhost" for name in names), password="wherefore")


def log_in(server, name="juliet"):
    return Peer(server.ports["c2s"], "localhost").log_in(name, "wherefore", "balcony")


# ---------------------------------------------------------------------- start


def test_start_says_where_everything_listens_and_nothing_on_standard_error(tmp_path):
    with run_server(tmp_path) as server:
        assert set(server.ports) == {"c2s", "c2s_tls"}
        assert f"listen.control listens on {tmp_path / 'data' / 'control.sock'}" in server.output
        assert "serves localhost" in server.wait_for(READY)
        assert "twistd" not in server.output
    assert server.errors == []


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("[limits]\nbreadth = 3\n", "limits.breadth: unknown key"),
        ("[modules]\noff = ['apothecary']\n", "no module is called apothecary"),
        ("[store]\nurl = 'sqlite:/no/such/verona.db'\n", "store.url"),
    ],
)
@pytest.mark.parametrize("daemon", [False, True])
def test_fault_is_one_line_and_status_1(tmp_path, fault, told, daemon):
    config = write_config(tmp_path, fault)
    options = () if daemon else ("-n", "--pidfile=")
    done = run([BIN / "twistd", *options, "xmppd", "-c", config], tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("xmppd: ")
    assert told in done.stderr
    assert not (tmp_path / "twistd.pid").exists()


def test_fault_that_only_starting_can_find_is_one_line_and_status_1(tmp_path):
    (tmp_path / "data").mkdir(mode=0o700)
    database = sqlite3.connect(tmp_path / "data" / "xmppd.db")
    database.execute("CREATE TABLE accounts (grave)")
    database.close()
    server = RunningServer(tmp_path, write_config(tmp_path))
    assert server.wait() == 1
    (line,) = server.errors
    assert line.startswith(f"xmppd: {tmp_path / 'xmppd.toml'}: store.url: ")
    assert "table accounts already exists" in line
    assert "critical" in server.output


def test_port_that_is_taken_is_one_line_and_status_1(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        text = f'[listen]\nc2s = ["tcp:{port}:interface=127.0.0.1"]\nc2s_tls = []\n'
        server = RunningServer(tmp_path, write_config(tmp_path, text))
        assert server.wait() == 1
    (line,) = server.errors
    assert f"can't listen on tcp:{port}:interface=127.0.0.1: Address already in use" in line


def test_second_server_on_the_same_data_is_refused_and_the_first_goes_on(tmp_path):
    with run_server(tmp_path) as first:
        elsewhere = 'c2s = ["tcp:0"]\nc2s_tls = []\ncontrol = "elsewhere.sock"\n'
        for text in ("", f"[listen]\n{elsewhere}"):
            second = RunningServer(tmp_path, write_config(tmp_path, text))
            assert second.wait() == 1
            (line,) = second.errors
            told = f"server.data: process {first.pid} uses {tmp_path / 'data'} already. Stop it"
            assert told in line
        problem = xmppctl(tmp_path, "-c", str(first.config), "users")
        assert told in problem.stderr
        assert (
            f"PROBLEM  data directory: {told}"
            in xmppctl(tmp_path, "-c", str(first.config), "check").stdout
        )
        write_config(tmp_path)
        assert first.ctl("status").returncode == 0


def test_server_starts_again_after_it_was_killed(tmp_path):
    first = RunningServer(tmp_path, write_config(tmp_path))
    first.wait_for(READY)
    add(first, "juliet")
    first.kill()
    with run_server(tmp_path) as second, log_in(second) as juliet:
        juliet.ping()


def test_daemon_writes_twistds_log_and_stops_when_told(tmp_path):
    config = write_config(tmp_path)
    command = [BIN / "twistd", "xmppd", "-c", config]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), timeout=PATIENCE, check=False)
    assert done.returncode == 0
    pid = int((tmp_path / "twistd.pid").read_text())
    try:
        until(lambda: READY in (tmp_path / "twistd.log").read_text())
    finally:
        os.kill(pid, signal.SIGTERM)
    until(lambda: not (tmp_path / "twistd.pid").exists())
    assert "stopped" in (tmp_path / "twistd.log").read_text()


# ---------------------------------------------------------------------- logs


def test_log_as_json_is_an_object_on_each_line(tmp_path):
    with run_server(tmp_path, '[log]\nformat = "json"\n') as server:
        add(server, "juliet")
        with log_in(server):
            pass
    for line in server.lines:
        assert {"time", "level", "namespace", "message"} <= json.loads(line).keys()


def test_log_of_twistd_is_left_alone(tmp_path):
    log = tmp_path / "elsewhere.log"
    server = RunningServer(tmp_path, write_config(tmp_path), "--logfile", str(log))
    try:
        until(lambda: log.exists() and READY in log.read_text())
    finally:
        assert server.stop() == 0
    assert server.lines == []


# ---------------------------------------------------------------------- reload


def test_sighup_changes_what_it_can_and_names_what_needs_a_restart(tmp_path):
    with run_server(tmp_path) as server:
        add(server, "juliet")
        with log_in(server) as juliet:
            write_config(
                tmp_path, "[store]\nqueue = 50\n[limits]\ndepth = 70\n[modules]\noff = ['ping']\n"
            )
            reload(server)
            assert "configuration: store.queue: needs a restart" in server.output
            assert "configuration: limits.depth: takes effect now" in server.output
            answer = juliet.ask("<ping xmlns='urn:xmpp:ping'/>", to="localhost")
            assert answer.get("type") == "error"


def test_sighup_with_a_fault_is_one_line_and_changes_nothing(tmp_path):
    with run_server(tmp_path) as server:
        add(server, "juliet")
        with log_in(server) as juliet:
            write_config(tmp_path, "[modules]\noff = ['ping']\n[limits]\nbreadth = 3\n")
            line = reload(server, "nothing was reloaded")
            assert "limits.breadth: unknown key" in line
            juliet.ping()


def test_sighup_brings_a_new_certificate_and_leaves_sessions_alone(tmp_path):
    certificates = tmp_path / "certs"
    authorities = [Authority("Friar Laurence"), Authority("Friar John")]

    def certify(authority):
        pair = authority.issue(dns("localhost"))
        write_pair(pair, certificates / "localhost.crt", certificates / "localhost.key")
        return authority.write(tmp_path / "authority.pem")

    first = certify(authorities[0])
    with run_server(tmp_path, '[tls]\ncertificates = "certs"\n') as server:
        add(server, "juliet")
        with Peer(server.ports["c2s"], "localhost") as juliet:
            juliet.open()
            juliet.start_tls(first)
            juliet.log_in("juliet", "wherefore", "balcony")
            second = certify(authorities[1])
            assert server.ctl("reload").returncode == 0
            with Peer(server.ports["c2s_tls"], "localhost") as late:
                late.wrap(second).open()
            juliet.ping()


def test_domain_comes_and_goes_with_a_reload(tmp_path):
    both = '[server]\ndomains = ["localhost", "mantua.lit"]\ndata = "data"\n'
    with run_server(tmp_path) as server:
        write_config(tmp_path, both)
        reload(server)
        made = server.ctl("adduser", "romeo@mantua.lit", stdin="wherefore\n")
        assert made.returncode == 0, made.stderr
        with Peer(server.ports["c2s"], "mantua.lit") as romeo:
            romeo.log_in("romeo", "wherefore", "street")
            write_config(tmp_path)
            reload(server)
            assert romeo.ending() == "host-gone"
        with Peer(server.ports["c2s"], "mantua.lit") as late:
            late.send(late.stream_header())
            assert late.ending() == "host-unknown"


# ---------------------------------------------------------------------- stop


def test_sigterm_ends_every_stream_with_system_shutdown_and_status_0(tmp_path):
    with run_server(tmp_path) as server:
        add(server, "juliet")
        with log_in(server) as juliet, Peer(server.ports["c2s"], "localhost") as stranger:
            stranger.open()
            server.signal(signal.SIGTERM)
            assert juliet.ending() == "system-shutdown"
            assert stranger.ending() == "system-shutdown"
        assert server.wait() == 0
    assert not (tmp_path / "data" / "control.sock").exists()
    assert server.errors == []
