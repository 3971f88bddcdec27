"""Ad-hoc commands of the service itself, for whom it lets have them (XEP-0050).

    commands = Commands(component, disco, lambda user: user.bare in admins)
    commands.add(Command("announce", "Announce something", announce, ANNOUNCE))

A command is done at once, or once its form is filled in. Nothing is kept of it meanwhile: the form
has all that it needs, so any instance takes it, and a command that is given up leaves nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeAlias
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred, maybeDeferred

from components.common.build import Content, Tag
from components.common.component import Component
from components.common.disco import Disco, Identity, Info, Item, items_tag
from components.common.forms.form import Form
from components.common.forms.submission import X
from components.common.forms.values import Values
from components.common.stanza import Stanza
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID

Run: TypeAlias = Callable[[Stanza, Values], Any]
"""Does what a command is for; gives a text for people, or a form of results, now or later."""

Show: TypeAlias = Callable[[Stanza], Coroutine[Deferred[Any], Any, Form]]


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its node, what it is called, what does it, and what has to be filled in first.

    `show` gives the form as one user sees it, where that differs, or raises StanzaError.
    """

    node: str
    name: str
    run: Run
    form: Form | None = None
    show: Show | None = None


class Commands:
    """The commands of a service; `allowed` says who may have them, by full or bare JID."""

    def __init__(self, component: Component, disco: Disco, allowed: Callable[[JID], bool]) -> None:
        self._component = component
        self._disco = disco
        self._allowed = allowed
        self._commands: dict[str, Command] = {}
        disco.add(ns.COMMANDS)
        disco.node(ns.COMMANDS, _list_info)
        disco.node_items(ns.COMMANDS, self._listed)
        component.iq("set", f"{ns.COMMANDS} command", self._asked)

    def add(self, command: Command) -> None:
        """Have one more command."""
        self._commands[command.node] = command
        self._disco.node(command.node, lambda: _info(command))

    def _listed(self, stanza: Stanza, node: str) -> Tag:
        """The commands that somebody may have (§2.2)."""
        domain = str(self._component.domain)
        shown = self._commands.values() if self._allowed(stanza.sender) else ()
        return items_tag([Item(domain, each.name, each.node) for each in shown], node)

    def _asked(self, stanza: Stanza) -> Any:
        """Do a command, show its form, or give it up (§2.4, §3.4)."""
        payload = stanza.payload
        if not self._allowed(stanza.sender):
            raise StanzaError("forbidden", reason="component.command-forbidden")
        command = self._commands.get(payload.get("node", ""))
        if command is None:
            raise StanzaError("item-not-found", reason="component.command-unknown")
        action, session = payload.get("action", "execute"), payload.get("sessionid", "")
        if action == "cancel":
            return _told(command, session, "canceled")
        submitted = payload.find(X)
        if action not in ("execute", "complete", "next"):
            # There is no stage before the first one.
            known = "bad-action" if action == "prev" else "malformed-action"
            raise _refused(known)
        if command.form is None or submitted is not None:
            return self._done(command, session, stanza, submitted)
        if session:
            raise _refused("bad-payload")
        if command.show is not None:
            return self._shown(command, command.show, stanza)
        return _executing(command, command.form)

    async def _shown(self, command: Command, show: Show, stanza: Stanza) -> Tag:
        return _executing(command, await show(stanza))

    async def _done(
        self, command: Command, session: str, stanza: Stanza, submitted: Element | None
    ) -> Tag:
        values = Values() if command.form is None else command.form.submitted(submitted)
        outcome: Content = await maybeDeferred(command.run, stanza, values)
        if isinstance(outcome, str):
            outcome = Tag("note", {"type": "info"}, outcome)
        return _told(command, session or secrets.token_hex(8), "completed", outcome)


def _executing(command: Command, form: Form) -> Tag:
    actions = Tag("actions", {"execute": "complete"}, [Tag("complete")])
    return _told(command, secrets.token_hex(8), "executing", actions, form.form())


def _told(command: Command, session: str, status: str, *content: Content) -> Tag:
    attrs = {"node": command.node, "sessionid": session or None, "status": status}
    return Tag("command", attrs, content, ns=ns.COMMANDS)


def _refused(condition: str) -> StanzaError:
    """An error with a condition of §4.5."""
    extra = Tag(condition, ns=ns.COMMANDS).render()
    return StanzaError("bad-request", reason="component.command-malformed", extra=extra)


def _list_info() -> Info:
    return Info([Identity("automation", "command-list", "Commands")], [ns.COMMANDS])


def _info(command: Command) -> Info:
    identity = Identity("automation", "command-node", command.name)
    return Info([identity], [ns.COMMANDS, ns.DATA_FORM])
