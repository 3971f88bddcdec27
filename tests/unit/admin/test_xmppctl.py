"""What xmppctl asks a person at a terminal, and whom it lets touch the store."""

import io
import os
import stat
from contextlib import closing

import pytest

from xmppd.admin import xmppctl
from xmppd.admin.client import StoreCaller
from xmppd.admin.hold import hold
from xmppd.bundled import Bundled
from xmppd.config import load

JULIET = "juliet@localhost"


class Terminal(io.StringIO):
    """Standard input at which somebody sits."""

    def isatty(self):
        return True


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def typed(here, monkeypatch):
    """Somebody at a terminal; the list is what is typed, the passwords first."""
    answers = []
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda prompt: answers.pop(0))
    monkeypatch.setattr("builtins.input", lambda prompt: answers.pop(0))
    return answers


def test_password_is_asked_for_twice(typed, capsys):
    typed += ["wherefore", "wherefore"]
    assert xmppctl.main(["adduser", JULIET]) == 0
    assert typed == []
    assert "wherefore" not in "".join(capsys.readouterr())


def test_two_different_passwords_make_no_account(typed, capsys):
    typed += ["wherefore", "wherefor"]
    assert xmppctl.main(["adduser", JULIET]) == 1
    assert "the two passwords differ" in capsys.readouterr().err
    assert os.listdir() == []


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("YES", 0), ("", 1), ("n", 1)])
def test_account_is_removed_only_when_that_is_confirmed(typed, answer, status):
    assert xmppctl.main(["adduser", JULIET, "--password", "wherefore"]) == 0
    typed.append(answer)
    assert xmppctl.main(["deluser", JULIET]) == status


def test_interrupt_is_one_line(typed, monkeypatch, capsys):
    def interrupt(prompt):
        raise KeyboardInterrupt

    monkeypatch.setattr("getpass.getpass", interrupt)
    assert xmppctl.main(["adduser", JULIET]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "xmppctl: stopped"


def test_store_of_another_user_is_left_alone(here, monkeypatch, capsys):
    """Root could open it, and would leave files that the server can't."""
    (here / "xmppd-data").mkdir(mode=0o700)
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
    assert xmppctl.main(["users"]) == 1
    assert "belongs to another user" in capsys.readouterr().err
    assert os.listdir(here / "xmppd-data") == []


@pytest.mark.parametrize(
    "arguments", [["users"], ["passwd", JULIET, "--password", "x"], ["deluser", "--yes", JULIET]]
)
def test_wrong_directory_is_told_and_stays_as_it_is(here, capsys, arguments):
    assert xmppctl.main(arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"xmppctl: no xmppd data in {here / 'xmppd-data'}. cd to where")
    assert "-c" in err
    assert os.listdir(here) == []


def test_new_store_is_announced_with_its_place_and_only_once(here, capsys):
    for name, told in (("juliet", True), ("nurse", False)):
        assert xmppctl.main(["adduser", f"{name}@localhost", "--password", "wherefore"]) == 0
        err = capsys.readouterr().err
        assert (str(here / "xmppd-data" / "xmppd.db") in err) is told
        assert ("no server runs, and there is no store yet" in err) is told


def test_store_in_memory_is_not_looked_for_elsewhere(here, capsys):
    (here / "xmppd.toml").write_text('[store]\nurl = "sqlite::memory:"\n')
    add = ["-c", "xmppd.toml", "adduser", JULIET, "--password", "wherefore"]
    assert xmppctl.main(add) == 1
    assert "in the server's memory" in capsys.readouterr().err


def test_password_prompt_keeps_no_server_from_starting(here, monkeypatch):
    def prompt(text):
        hold(here, "x.toml").release()
        raise KeyboardInterrupt

    (here / "xmppd.toml").write_text('[server]\ndata = "."\n[store]\nurl = "sqlite:a.db"\n')
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", prompt)
    assert xmppctl.main(["-c", "xmppd.toml", "adduser", "juliet@localhost"]) == 1


def test_store_made_by_xmppctl_is_for_its_owner_alone(here):
    assert xmppctl.main(["adduser", JULIET, "--password", "wherefore"]) == 0
    data = here / "xmppd-data"
    for path in (data, *data.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_components_that_the_server_would_run_are_known_without_it(here, monkeypatch):
    """They have something to forget when an account is removed, and messages wait for them."""
    monkeypatch.setattr("xmppd.bundled.BUNDLED", (Bundled("echo", "echo"),))
    config = load(None)
    assert config.components == {}
    with closing(StoreCaller(config, "x.toml", makes=True)) as caller:
        assert caller.call("adduser", jid=JULIET, password="wherefore") == {"jid": JULIET}
        assert "echo.localhost" in caller._assembly.host.config.components


@pytest.fixture
def forbidden(monkeypatch):
    """A server answers, but not this user."""

    class Forbidden:
        def __init__(self, family):
            """As socket.socket."""

        def settimeout(self, seconds):
            """As socket.socket."""

        def connect(self, path):
            raise PermissionError(13, "Permission denied")

    for module in ("client", "xmppctl"):
        monkeypatch.setattr(f"xmppd.admin.{module}.answers", lambda path: True)
    monkeypatch.setattr("xmppd.admin.client.socket.socket", Forbidden)


def test_check_goes_through_all_the_rest_where_the_server_may_not_be_talked_to(
    here, forbidden, capsys
):
    assert xmppctl.main(["check"]) == 1
    lines = capsys.readouterr().out.splitlines()
    told = "PROBLEM  control socket: listen.control: can't talk to the server at "
    assert len([line for line in lines if line.startswith(told)]) == 1
    assert lines[-1].split()[1] == "components:"


def test_server_that_may_not_be_talked_to_names_the_way_out(here, forbidden, capsys):
    assert xmppctl.main(["users"]) == 1
    assert "Permission denied. Run xmppctl as the user that runs the server" in (
        capsys.readouterr().err
    )


def test_without_a_command_the_usage_is_shown(capsys):
    with pytest.raises(SystemExit) as ended:
        xmppctl.main([])
    assert ended.value.code == 2
    assert "usage: xmppctl" in capsys.readouterr().err


def test_help_shows_each_command_and_action_with_an_example(capsys):
    def entries(found, *words):
        for word, entry in found.items():
            yield (*words, word), entry
            yield from entries(entry.actions, *words, word)

    for words, entry in entries(xmppctl.COMMANDS):
        with pytest.raises(SystemExit) as ended:
            xmppctl.main([*words, "--help"])
        assert ended.value.code == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert f"Example: xmppctl {entry.example}" in shown
        assert " ".join(words) in entry.example


def test_action_is_a_command_of_its_own():
    lines = ("components", "components --json", "components drain rooms.capulet.lit a")
    seen = [xmppctl.parser().parse_args(line.split()).command for line in lines]
    assert seen == ["components", "components", "components drain"]
