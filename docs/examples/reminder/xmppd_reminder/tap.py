"""`twistd xmppd-reminder`: who writes "in 10 minutes TEXT" to it is sent the text by then."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from components.common.about import About, introduce
from components.common.accounts import Accounts
from components.common.config import Settings
from components.common.disco import Identity
from components.common.process import Setting
from components.common.stanza import Stanza
from components.common.tap import Program
from xmppd.config.schema import Table
from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd_reminder import words
from xmppd_reminder.bell import Bell
from xmppd_reminder.store import SCHEMA, SQLReminders

SUMMARY = "Reminds people of what they ask for"


class Reminder(Table, frozen=True):
    """`[reminder]`: how many may wait for one person, how long they are, and how far ahead."""

    most: Annotated[int, Meta(ge=1)] = 100
    characters: Annotated[int, Meta(ge=1, le=10_000)] = 1_000
    days: Annotated[int, Meta(ge=1, le=3_660)] = 400


class Config(Settings, frozen=True):
    """The whole file: the tables of every component, and this one's own."""

    reminder: Reminder = Reminder()


def set_up(setting: Setting[Config]) -> None:
    """Take commands from the server's users, and ring when something is due."""
    component, store = setting.component, setting.store
    assert store is not None  # there is a schema
    introduce(component, About(Identity("client", "bot", "Reminders"), "xmppd-reminder", "1.0"))
    reminders = SQLReminders(store)
    service = Service(setting, reminders, Bell(component, reminders, setting.reactor))
    component.on_message(service.hear)
    Accounts(component).on_removed(reminders.remove)


class Service:
    """Answers people's messages."""

    def __init__(self, setting: Setting[Config], reminders: SQLReminders, bell: Bell) -> None:
        self._component = setting.component
        self._limits = setting.config.reminder
        self._clock = setting.reactor
        self._reminders = reminders
        self._bell = bell

    async def hear(self, message: Stanza) -> None:
        """Do what a message asks for; it is acknowledged when that is done."""
        body = message.body
        if not body or message.type not in ("", "normal", "chat"):
            return  # somebody is typing, or has read something
        if JID.parse(message.sender.domain) not in self._component.servers:
            raise StanzaError("forbidden", "not for strangers", reason="reminder.stranger")
        answer = await self._answer(message, words.read(body, self._clock.seconds()))
        self._component.reply(message, answer)

    async def _answer(self, message: Stanza, command: words.Command) -> str:
        owner = message.sender.bare
        if isinstance(command, words.Remind):
            # What this process had not acknowledged when it died comes once more.
            request = f"{message.id} {command.content}" if message.id else None
            return await self._remind(owner, command, request)
        if isinstance(command, words.Cancel):
            found = await self._reminders.cancel(owner, command.number)
            return "It is forgotten." if found else f"You have no reminder {command.number}."
        if isinstance(command, words.List):
            waiting = await self._reminders.of(owner)
            lines = [f"{each.id}: {words.moment(each.due)} {each.content}" for each in waiting]
            return "\n".join(lines) or "Nothing waits for you."
        return words.HELP

    async def _remind(self, owner: JID, wish: words.Remind, request: str | None) -> str:
        limits = self._limits
        if len(wish.content) > limits.characters:
            return f"That is too long: {limits.characters} characters at most."
        ahead = wish.due - self._clock.seconds()
        if not 0 <= ahead <= limits.days * 86_400:
            return f"That is in the past, or in more than {limits.days} days."
        number = await self._reminders.add(owner, wish.due, wish.content, limits.most, request)
        if number is None:
            return "You have too many of them. See list, and cancel."
        self._bell.look()
        return f"I remind you at {words.moment(wish.due)}. Its number is {number}."


PROGRAM = Program("reminder", "Reminds people of what they ask for", Config, set_up, schema=SCHEMA)
Options = PROGRAM.options
makeService = PROGRAM.make_service  # noqa: N816
