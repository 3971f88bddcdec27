"""xmppctl as an operator uses it: against the running server, and where none runs."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.peers import Peer
from tests.support.process import environment, run_server, write_config, xmppctl
from xmppd.admin.xmppctl import COMMANDS

JULIET = "juliet@localhost"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with run_server(tmp_path_factory.mktemp("ctl")) as running:
        made = running.ctl("adduser", JULIET, stdin="wherefore\n")
        assert (made.returncode, made.stderr) == (0, "")
        yield running


@pytest.fixture
def offline(tmp_path):
    """A directory with a configuration and no server."""
    config = write_config(tmp_path)

    def run(*arguments, stdin=""):
        return xmppctl(tmp_path, "-c", str(config), *arguments, stdin=stdin)

    return run


def ok(done):
    assert done.returncode == 0, done.stderr
    return done.stdout


def problem(done):
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("xmppctl: ")
    return done.stderr.removeprefix("xmppctl: ").strip()


def log_in(server, name, password, resource="balcony"):
    return Peer(server.ports["c2s"], "localhost").log_in(name, password, resource)


# ---------------------------------------------------------------------- the running server


def test_account_made_by_xmppctl_logs_in_and_its_session_is_listed_and_kicked(server):
    with log_in(server, "juliet", "wherefore") as juliet:
        assert ok(server.ctl("sessions")).startswith(f"{JULIET}/balcony  127.0.0.1  no TLS  ")
        assert ok(server.ctl("kick", JULIET)) == f"{JULIET}: 1 ended\n"
        assert juliet.ending() == "policy-violation"
    assert ok(server.ctl("sessions")) == ""
    assert "has no session" in problem(server.ctl("kick", JULIET))


def test_password_is_taken_from_standard_input_or_the_option(server):
    ok(server.ctl("adduser", "nurse@localhost", stdin="angelica\n"))
    log_in(server, "nurse", "angelica").transport.close()
    ok(server.ctl("passwd", "nurse@localhost", "--password", "susan"))
    log_in(server, "nurse", "susan").transport.close()
    assert "no password" in problem(server.ctl("passwd", "nurse@localhost"))
    assert ok(server.ctl("deluser", "--yes", "nurse@localhost"))
    assert "there is no account" in problem(server.ctl("deluser", "--yes", "nurse@localhost"))


def test_no_password_reaches_log_or_output(server):
    for command in ("adduser", "passwd"):
        done = server.ctl(command, "abram@localhost", stdin="bite-my-thumb\n")
        assert "bite-my-thumb" not in done.stdout + done.stderr
    ok(server.ctl("deluser", "--yes", "abram@localhost"))
    assert "bite-my-thumb" not in server.output


def test_deluser_asks_first(server):
    assert "Add --yes" in problem(server.ctl("deluser", JULIET))
    assert JULIET in ok(server.ctl("users"))


def test_why_tells_of_a_wrong_password(server):
    with Peer(server.ports["c2s"], "localhost") as stranger:
        stranger.open()
        stranger.authenticate("paris", "guess")
    told = ok(server.ctl("why", "paris@localhost"))
    assert "auth.credentials  paris@localhost  from 127.0.0.1" in told
    assert "auth.credentials: wrong user or password. What to do: " in told
    (entry,) = json.loads(ok(server.ctl("why", "paris@localhost", "--json")))["refusals"]
    assert entry["reason"] == "auth.credentials"


def test_status_counts(server):
    status = json.loads(ok(server.ctl("status", "--json")))
    assert status["pid"] == server.pid
    assert status["accounts"] == {"localhost": 1}
    assert f"xmppd {status['version']}, process {server.pid}" in ok(server.ctl("status"))


def test_check_of_a_running_server_is_in_order(server):
    done = server.ctl("check")
    assert done.returncode == 0, done.stdout
    assert f"the running server (process {server.pid}) answers" in done.stdout
    assert done.stdout.count("is held by the running server") == 2
    assert all(line.startswith("ok ") for line in done.stdout.splitlines())


def test_control_socket_and_data_are_for_their_owner_alone(server):
    data = server.directory / "data"
    for path in (data, *data.iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path


def test_output_that_nobody_reads_to_its_end_is_no_error(server):
    command = [sys.executable, "-m", "xmppd.admin.xmppctl", "-c", str(server.config), "status"]
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as out:
        done = subprocess.run(
            command, stdout=out, stderr=subprocess.PIPE, env=environment(), check=False
        )
    assert done.stderr == b""


# ---------------------------------------------------------------------- no server


def test_accounts_are_kept_without_a_server(offline):
    assert "no server runs" in ok(offline("adduser", JULIET, stdin="wherefore\n"))
    assert "there is an account" in problem(offline("adduser", JULIET, stdin="x\n"))
    assert ok(offline("users")).startswith(JULIET)
    assert "password set" in ok(offline("passwd", JULIET, stdin="o romeo\n"))
    ok(offline("deluser", "--yes", JULIET))
    assert ok(offline("users")) == ""


def test_long_list_comes_whole(offline, tmp_path):
    ok(offline("adduser", "citizen0000@localhost", stdin="x\n"))
    database = sqlite3.connect(tmp_path / "data" / "xmppd.db")
    database.executemany(
        "INSERT INTO accounts (domain, local, created) VALUES ('localhost', ?, 0)",
        [(f"citizen{number:04}",) for number in range(1, 1203)],
    )
    database.commit()
    database.close()
    done = offline("users", "localhost", "--json")
    jids = [json.loads(line)["jid"] for line in ok(done).splitlines()]
    assert jids == [f"citizen{number:04}@localhost" for number in range(1203)]
    assert offline("users").stderr == "1203 users\n"


@pytest.mark.parametrize("arguments", [("sessions",), ("kick", JULIET), ("reload",), ("status",)])
def test_what_needs_a_server_says_so(offline, arguments):
    assert "no server answers at" in problem(offline(*arguments))


def test_check_lists_every_problem(tmp_path):
    config = write_config(tmp_path, '[tls]\ncertificates = "certs"\n')
    (tmp_path / "certs").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(0o755)
    done = xmppctl(tmp_path, "-c", str(config), "check")
    assert done.returncode == 1
    problems = [line for line in done.stdout.splitlines() if line.startswith("PROBLEM")]
    assert [line.split()[1] for line in problems] == ["data", "certificates:"]
    assert done.stderr == "2 problems\n"


def test_fault_in_the_configuration_keeps_nobody_from_the_running_server(tmp_path):
    for text in ("[limits]\nbreadth = 3\n", "[limits\n"):
        with run_server(
            tmp_path, '[listen]\nc2s = []\nc2s_tls = []\ncontrol = "c.sock"\n'
        ) as server:
            good = server.config.read_text()
            server.config.write_text(good + text)
            done = server.ctl("status")
            assert f"process {server.pid}" in ok(done)
            assert done.stderr.startswith(f"xmppctl: {server.config}")
            assert (
                f"Going on with the server that answers at {tmp_path / 'c.sock'}\n" in done.stderr
            )
            assert ok(xmppctl(tmp_path, "--control", "c.sock", "status", "--json"))
            assert server.config.name in problem(server.ctl("check"))
            server.config.write_text(good)
    assert "no server answers at c.sock" in problem(
        xmppctl(tmp_path, "--control", "c.sock", "users")
    )


def test_fault_in_the_configuration_is_one_line(tmp_path):
    config = write_config(tmp_path, "[limits]\nbreadth = 3\n")
    for command in ("check", "users"):
        assert "limits.breadth: unknown key" in problem(
            xmppctl(tmp_path, "-c", str(config), command)
        )


def test_store_that_is_broken_is_one_line(offline, tmp_path):
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "xmppd.db").write_bytes(b"in fair Verona " * 100)
    assert "not a database" in problem(offline("users"))


def test_without_a_configuration_it_is_about_the_server_in_this_directory(tmp_path):
    made = xmppctl(tmp_path, "adduser", JULIET, stdin="wherefore\n")
    assert str(tmp_path / "xmppd-data") in ok(made)
    assert "will be made" in made.stderr
    assert (tmp_path / "xmppd-data").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_help_has_an_example(command):
    done = xmppctl(Path.cwd(), command, "--help")
    assert "Example: xmppctl " in ok(done)
    assert command in done.stdout.partition("Example:")[2]
