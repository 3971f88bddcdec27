"""The real server on a real PostgreSQL, which goes away under it and comes back."""

import pytest

from tests.e2e.verona import VERONA, running
from tests.support.clients import Client, LoginFailed
from tests.support.postgresql import PostgreSQL
from tests.support.process import READY, RunningServer, write_config, xmppctl
from tests.support.server import PASSWORD

JULIET, ROMEO, NURSE = (f"{name}@{VERONA}" for name in ("juliet", "romeo", "nurse"))
QUOTED = "the%20poison%40in%2Fthe%20cup"


@pytest.fixture
def server():
    server = PostgreSQL()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def verona(server, tmp_path):
    server.execute("CREATE DATABASE verona")
    store = {"url": server.url("verona"), "wait_seconds": 2}
    with running(tmp_path, {"store": store}, (JULIET, ROMEO, NURSE)) as verona:
        yield verona


async def test_sessions_stay_while_postgresql_is_restarted_and_logins_wait_for_it(verona, server):
    lines = verona.process.lines
    async with Client(JULIET, PASSWORD, verona) as juliet, Client(ROMEO, PASSWORD, verona) as romeo:
        server.stop()
        verona.process.wait_for("is lost")
        with pytest.raises(LoginFailed) as failed:
            async with Client(NURSE, PASSWORD, verona):
                pass
        assert "temporary-auth-failure" in failed.value.args
        juliet.say(romeo.boundjid.full, "Wherefore art thou?")
        assert await romeo.hears("Wherefore art thou?")
        server.start()
        verona.process.wait_for("is back")
        async with Client(NURSE, PASSWORD, verona) as nurse:
            nurse.say(juliet.boundjid.full, "Madam!")
            assert await juliet.hears("Madam!")
    assert verona.process.ctl("users").stdout.count(VERONA) == 3
    assert sum("is lost" in line for line in lines) == sum("is back" in line for line in lines) == 1


def test_what_was_stored_is_there_after_xmppd_was_killed(verona):
    verona.add([f"paris@{VERONA}"])
    verona.process.kill()
    assert xmppctl(verona.directory, "-c", str(verona.config), "users").stdout.count(VERONA) == 4
    verona.start()
    assert verona.process.ctl("users").stdout.count(VERONA) == 4


def test_a_database_that_is_down_is_one_line_by_every_tool(server, tmp_path):
    server.execute("CREATE DATABASE verona")
    url = server.url("verona", f"claudius:{QUOTED}")
    config = write_config(tmp_path, f'[store]\nurl = "{url}"\n')
    server.stop()
    told = "[store] url: can't reach postgresql://claudius@"
    started = RunningServer(tmp_path, config)
    assert started.wait() == 1
    (line,) = started.errors
    assert told in line and "Start PostgreSQL" in line
    checked = xmppctl(tmp_path, "-c", str(config), "check")
    assert checked.returncode == 1
    assert f"PROBLEM  store: {told}" in checked.stdout
    added = xmppctl(tmp_path, "-c", str(config), "adduser", "juliet@localhost", stdin="cup\n")
    assert added.returncode == 1
    assert told in added.stderr
    assert "poison" not in line + started.output + checked.stdout + added.stderr


def test_the_check_tells_where_the_store_is_and_of_which_version(server, tmp_path):
    server.execute("CREATE DATABASE verona")
    config = write_config(tmp_path, f'[store]\nurl = "{server.url("verona")}"\n')
    arguments = ("-c", str(config))
    assert "version 0, to become" in xmppctl(tmp_path, *arguments, "check").stdout
    added = xmppctl(tmp_path, *arguments, "adduser", "juliet@localhost", stdin="wherefore\n")
    assert added.returncode == 0, added.stderr
    started = RunningServer(tmp_path, config)
    try:
        started.wait_for(READY)
        checked = started.ctl("check").stdout
        assert "/verona, schema version " in checked and "to become" not in checked
    finally:
        assert started.stop() == 0
