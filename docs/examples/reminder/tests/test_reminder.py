"""The reminder service in memory: what it is told, and what it sends by the clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.common.config import ComponentTable, load
from components.common.testing import Server, asked, iq, message, sm, store
from xmppd import ns
from xmppd_reminder import words
from xmppd_reminder.store import SCHEMA
from xmppd_reminder.tap import Config, Reminder, set_up

DOMAIN = "remind.example.org"
SAMPLE = Path(__file__).parents[1] / "reminder.toml"


class Scene:
    """The service, connected to a server that counts; its store outlives it."""

    def __init__(self, **limits: int) -> None:
        self.config = Config(ComponentTable(DOMAIN), reminder=Reminder(**limits))
        self.store = store(SCHEMA)
        self.said = 0
        self.start()

    def start(self) -> None:
        self.server = server = Server(DOMAIN)
        self.component = server.component()
        set_up(server.setting(self.component, self.config, self.store))
        server.let_in(managed=True)
        server.take()

    def say(self, text: str, id_: str = "", **attrs: str) -> str:
        self.said += 1
        self.server.send(message(text, to=DOMAIN, id_=id_ or f"m{self.said}", **attrs))
        return self.server.take().decode()

    def later(self, seconds: float) -> str:
        self.server.pass_time(seconds)
        return self.server.take().decode()


@pytest.mark.parametrize(
    "text, expected",
    [
        ("in 10 minutes feed the cat", words.Remind(1_600, "feed the cat")),
        ("In 1h30m: rise", words.Remind(6_400, "rise")),
        ("in 2 days, 3 hours go", words.Remind(1_000 + 2 * 86_400 + 3 * 3_600, "go")),
        ("in 5 mice", words.Help()),
        ("in 5 minutes", words.Help()),
        ("at 1970-01-02 00:00 rise", words.Remind(86_400, "rise")),
        ("at 1970-13-02 00:00 rise", words.Help()),
        ("cancel #7", words.Cancel(7)),
        ("cancel " + "9" * 16, words.Help()),
        (" LIST ", words.List()),
        ("but soft!", words.Help()),
    ],
)
def test_what_it_understands(text: str, expected: words.Command) -> None:
    assert words.read(text, 1_000) == expected


def test_it_rings_at_the_time_and_not_before_and_once() -> None:
    scene = Scene()
    assert "Its number is 1" in scene.say("in 90 seconds rise")
    assert "Reminder" not in scene.later(89)
    rung = scene.later(2)
    assert "to='juliet@example.org'" in rung and "<body>Reminder: rise</body>" in rung
    scene.server.send(sm("a", h=2))
    assert "Reminder" not in scene.later(60)
    assert "Nothing waits" in scene.say("list")


def test_what_the_server_did_not_acknowledge_is_sent_again_by_the_next_process() -> None:
    scene = Scene()
    scene.say("in 1 minute rise")
    scene.later(61)
    scene.server.line.cut()
    scene.start()
    assert "id='reminder-1'" in scene.later(120)


def test_what_comes_once_more_is_kept_once() -> None:
    scene = Scene()
    for _ in range(2):
        assert "Its number is 1" in scene.say("in 1 hour rise", id_="a")
    assert "Its number is 2" in scene.say("in 1 hour sleep", id_="a")
    assert scene.say("list").count("UTC") == 2


def test_what_was_due_while_nobody_was_there_is_sent_on_return() -> None:
    scene = Scene()
    scene.say("in 1 minute rise")
    scene.server.line.cut()
    scene.server.up = False
    scene.later(600)
    scene.server.up = True
    while len(scene.server.lines) == 1:
        scene.server.pass_time(1)
    scene.server.let_in()
    data = scene.server.take()
    assert b"Reminder: rise" in data
    scene.server.send(iq("result", "", sender="example.org", to=DOMAIN, id_=asked(data)))
    assert "Nothing waits" in scene.say("list")


def test_everybody_has_his_own() -> None:
    scene = Scene()
    scene.say("in 1 hour rise")
    romeo = "romeo@example.org/orchard"
    assert "Nothing waits" in scene.say("list", sender=romeo)
    assert "no reminder 1" in scene.say("cancel 1", sender=romeo)
    assert "1: 1970-01-01 01:00:00 UTC rise" in scene.say("list")
    assert "forgotten" in scene.say("cancel 1")
    assert "Nothing waits" in scene.say("list")


def test_a_removed_account_leaves_nothing() -> None:
    scene = Scene()
    scene.say("in 1 hour rise")
    scene.say("in 1 hour rise", sender="romeo@example.org/orchard")
    removed = f"<removed xmlns='{ns.ACCOUNTS}' jid='juliet@example.org'/>"
    scene.server.send(iq("set", removed, sender="example.org", to=DOMAIN))
    assert b"type='result'" in scene.server.take()
    assert "Nothing waits" in scene.say("list")
    assert "rise" in scene.say("list", sender="romeo@example.org/orchard")


def test_there_are_limits_and_strangers_are_refused() -> None:
    scene = Scene(most=1, characters=10, days=1)
    assert "too long" in scene.say("in 1 hour feed the cat")
    assert "more than 1 days" in scene.say("in 2 days rise")
    assert "Its number" in scene.say("in 1 hour rise")
    assert "too many" in scene.say("in 1 hour rise")
    assert "<forbidden " in scene.say("list", sender="tybalt@mantua.lit/x")
    assert scene.component.counts["reminder.stranger"] == 1


def test_what_is_no_command_is_not_answered() -> None:
    scene = Scene()
    scene.server.send(f"<message from='juliet@example.org/b' to='{DOMAIN}'><active/></message>")
    assert scene.server.take() == b""
    assert "in 10 minutes" in scene.say("What light is that?")


def test_the_sample_of_its_file_is_one() -> None:
    assert load(SAMPLE, Config, "reminder").settings.reminder == Reminder()
