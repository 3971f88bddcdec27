"""`xmppctl`: what an operator has done from a shell, by the running server or on its store.

Results go to standard output; what went wrong is one line on standard error, and status 1.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from xmppd import __version__, config
from xmppd.admin import bundle_check, display, display_federation
from xmppd.admin.checks import Setting, check_all
from xmppd.admin.client import Caller, ServerCaller, caller
from xmppd.admin.control import KEY, answers
from xmppd.admin.lookup import look_up
from xmppd.admin.operated import CommandError, Outcome
from xmppd.config import Config
from xmppd.config.load import BUILT_IN
from xmppd.errors import ConfigError, StoreError

PAGE = 500
"""Items asked for at a time."""


class Invocation(NamedTuple):
    """One run: the arguments, the control socket, the configuration and its name."""

    options: argparse.Namespace
    control: str
    config: Config | None
    """None where only the running server is asked."""
    source: str

    def caller(self) -> Caller:
        """Whoever carries the command out; raises CommandError."""
        found = caller(self.control, self.config, self.source, self.options.command)
        if found.notice:
            _warn(found.notice)
        return found


def _warn(text: str) -> None:
    print(f"xmppctl: {text}", file=sys.stderr)


# ---------------------------------------------------------------------- commands


def _set_password(done: str) -> Callable[[Invocation], int]:
    def run(this: Invocation) -> int:
        with closing(this.caller()) as server:
            jid = this.options.jid
            password = _password(this.options)
            jid = server.call(this.options.command, jid=jid, password=password)["jid"]
            print(f"{jid}: {done} ({server.where})")
        return 0

    return run


def _deluser(this: Invocation) -> int:
    jid = this.options.jid
    with closing(this.caller()) as server:
        if not this.options.yes:
            _confirm(f"Remove {jid} and everything stored of it?")
        jid = server.call("deluser", jid=jid)["jid"]
        print(f"{jid}: removed ({server.where})")
    return 0


def _list(name: str) -> Callable[[Invocation], int]:
    """A command that lists its result's `name`, page by page."""

    def run(this: Invocation) -> int:
        count = 0
        with closing(this.caller()) as server:
            for item in _pages(server, this.options.command, name, this.options.domain):
                count += 1
                print(display.as_json(item) if this.options.json else display.LINES[name](item))
        if not this.options.json:
            print(display.counted(count, name), file=sys.stderr)
        return 0

    return run


def _pages(server: Caller, command: str, name: str, domain: str) -> Iterator[Outcome]:
    after: str | None = ""
    while after is not None:
        page = server.call(command, domain=domain, after=after, limit=PAGE)
        yield from page[name]
        after = page["next"]


def _kick(this: Invocation) -> int:
    with closing(this.caller()) as server:
        result = server.call("kick", jid=this.options.jid)
    print(f"{result['jid']}: {result['ended']} ended")
    return 0


def _show(
    lines: Callable[[Outcome], Iterator[str]], *arguments: str
) -> Callable[[Invocation], int]:
    """A command whose one result is shown as `lines`, or as JSON."""

    def run(this: Invocation) -> int:
        args = {name: getattr(this.options, name) for name in arguments}
        with closing(this.caller()) as server:
            result = server.call(this.options.command, **args)
        if this.options.json:
            print(display.as_json(result))
        else:
            for line in lines(result):
                print(line)
        return 0

    return run


def _try(this: Invocation) -> int:
    """An attempt to reach a domain, step by step; status 1 where it is not reached."""
    options = this.options
    with closing(this.caller()) as server:
        result = server.call(
            options.command, domain=options.domain, local=options.local, seconds=options.seconds
        )
    lines = [display.as_json(result)] if options.json else display_federation.tried(result)
    for line in lines:
        print(line)
    return 0 if result["reached"] else 1


def _check(this: Invocation) -> int:
    """Every check, one line each; status 1 when there is a fault."""
    assert this.config is not None  # `_invocation` sees to that
    status = unanswered = None
    try:
        if answers(this.control):
            with closing(ServerCaller(this.control)) as server:
                status = server.call("status")
    except CommandError as error:
        unanswered = ConfigError(this.source, KEY, error.problem, error.remedy)
    faults = 0
    setting = Setting(
        this.config, this.source, status, unanswered, look_up=look_up, faults=bundle_check.faults
    )
    for finding in check_all(setting):
        faults += bool(finding.remedy)
        print(display.finding(finding))
    print(display.counted(faults, "problems") if faults else "all in order", file=sys.stderr)
    return 1 if faults else 0


# ---------------------------------------------------------------------- what is asked for


def _password(options: argparse.Namespace) -> str:
    """The password: the option, what is typed twice at a terminal, or a line of standard input."""
    if options.password is not None:
        password: str = options.password
    elif sys.stdin.isatty():
        password = getpass.getpass(f"Password for {options.jid}: ")
        if getpass.getpass("The same again: ") != password:
            raise CommandError("the two passwords differ", "Type the same one twice")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise CommandError("no password", "Type one, or send it as a line of standard input")
    return password


def _confirm(question: str) -> None:
    if not sys.stdin.isatty():
        raise CommandError("nobody is there to confirm it", "Add --yes")
    if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise CommandError("nothing was done", "Answer y to have it done")


# ---------------------------------------------------------------------- the command line


class Entry(NamedTuple):
    """A command as the command line has it."""

    run: Callable[[Invocation], int]
    summary: str
    example: str
    arguments: Mapping[str, Mapping[str, Any]] = {}
    actions: Mapping[str, Entry] = {}
    """What else may be done, by the word that follows the command."""


JID: Mapping[str, Any] = {"metavar": "JID", "help": "an account, such as juliet@example.org"}
JSON: Mapping[str, Any] = {"action": "store_true", "help": "write JSON, one object a line"}
PASSWORD: Mapping[str, Any] = {
    "metavar": "PW",
    "help": "the password (other users of this machine may see it; without this option it is "
    "asked for, or read from standard input)",
}
DOMAIN: Mapping[str, Any] = {"metavar": "DOMAIN", "nargs": "?", "default": "", "help": "only these"}
COMPONENT: Mapping[str, Any] = {"metavar": "COMPONENT", "help": "the component's domain"}
ONE = "only this one of several instances"
ELSEWHERE: Mapping[str, Any] = {"metavar": "DOMAIN", "help": "a domain of another server"}

COMMANDS: Mapping[str, Entry] = {
    "adduser": Entry(
        _set_password("added"),
        "make an account",
        "adduser juliet@example.org",
        {"jid": JID, "--password": PASSWORD},
    ),
    "passwd": Entry(
        _set_password("password set"),
        "set an account's password",
        "passwd juliet@example.org",
        {"jid": JID, "--password": PASSWORD},
    ),
    "deluser": Entry(
        _deluser,
        "remove an account, everything stored of it, and its sessions",
        "deluser --yes juliet@example.org",
        {"jid": JID, "--yes": {"action": "store_true", "help": "do not ask"}},
    ),
    "users": Entry(
        _list("users"),
        "list the accounts",
        "users example.org",
        {"domain": DOMAIN, "--json": JSON},
    ),
    "sessions": Entry(
        _list("sessions"),
        "list who is logged in, from where and for how long",
        "sessions",
        {"domain": DOMAIN, "--json": JSON},
    ),
    "kick": Entry(
        _kick,
        "end a session (full JID), or all of an account (bare JID)",
        "kick juliet@example.org/balcony",
        {"jid": {"metavar": "JID", "help": "a full or a bare JID"}},
    ),
    "components": Entry(
        _show(display.components),
        "list the components: who is connected, since when, from where, and how much waits",
        "components --json",
        {"--json": JSON},
        {
            "drain": Entry(
                _show(display.drained, "domain", "instance", "seconds"),
                "have a component finish what it has begun and leave, for its next process",
                "components drain conference.example.org",
                {
                    "domain": COMPONENT,
                    "instance": {"metavar": "INSTANCE", "nargs": "?", "default": "", "help": ONE},
                    "--seconds": {"type": int, "default": 30, "help": "how long it may take (30)"},
                    "--json": JSON,
                },
            )
        },
    ),
    "explain": Entry(
        _show(display.grants, "domain"),
        "tell what a component may do at each domain, by which key, and what it may not",
        "explain conference.example.org",
        {"domain": COMPONENT, "--json": JSON},
    ),
    "s2s": Entry(
        _show(display_federation.links, "domain"),
        "list the streams with other servers, and the domains that could not be reached",
        "s2s example.net",
        {"domain": DOMAIN, "--json": JSON},
    ),
    "s2s-try": Entry(
        _try,
        "reach a domain of another server now, and tell step by step how that went",
        "s2s-try example.net",
        {
            "domain": ELSEWHERE,
            "--from": {
                "metavar": "DOMAIN",
                "dest": "local",
                "default": "",
                "help": "the domain of ours that it is reached from (the first one)",
            },
            "--seconds": {"type": int, "default": 30, "help": "how long to wait for it (30)"},
            "--json": JSON,
        },
    ),
    "s2s-close": Entry(
        _show(display_federation.closed, "domain"),
        "end the streams with a domain; what is sent there later opens another",
        "s2s-close example.net",
        {"domain": ELSEWHERE, "--json": JSON},
    ),
    "why": Entry(
        _show(display_federation.why, "subject"),
        "tell what was refused lately, why, and what to do about it; of a domain elsewhere, also "
        "how the last attempt to reach it went",
        "why juliet@example.org",
        {"subject": {"metavar": "JID|DOMAIN|ADDRESS", "help": "whom it concerns"}, "--json": JSON},
    ),
    "status": Entry(
        _show(display.status),
        "tell how the server is",
        "status --json",
        {"--json": JSON},
    ),
    "reload": Entry(
        _show(display.changes),
        "have the server read its configuration and certificates again",
        "reload",
        {"--json": JSON},
    ),
    "check": Entry(
        _check,
        "go through configuration, certificates, store, ports and files, and see how other "
        "servers find this one",
        "-c /etc/xmppd/xmppd.toml check",
    ),
}
"""Every command of xmppctl by its name."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="xmppctl",
        description="Administers xmppd. Without -c it is about the server in this directory that "
        "was started without a configuration (./xmppd-data).",
        epilog="Example: xmppctl -c /etc/xmppd/xmppd.toml adduser juliet@example.org",
    )
    top.add_argument("-c", "--config", metavar="FILE", type=Path, help="the server's configuration")
    top.add_argument(
        "--control",
        metavar="PATH",
        help="the control socket of a running server, whatever its configuration says",
    )
    top.add_argument("--version", action="version", version=f"xmppctl {__version__}")
    _add(top, "COMMAND", COMMANDS, required=True)
    return top


def _add(
    parser: argparse.ArgumentParser,
    metavar: str,
    entries: Mapping[str, Entry],
    *,
    before: str = "",
    required: bool,
) -> None:
    """Add what may follow; `command` is then all the words, `run` what they do."""
    commands = parser.add_subparsers(metavar=metavar, required=required)
    for word, entry in entries.items():
        command = commands.add_parser(
            word,
            help=entry.summary,
            description=f"{entry.summary[0].upper()}{entry.summary[1:]}.",
            epilog=f"Example: xmppctl {entry.example}",
        )
        name = f"{before}{word}"
        command.set_defaults(command=name, run=entry.run)
        for argument, settings in entry.arguments.items():
            command.add_argument(argument, **settings)
        if entry.actions:
            _add(command, "ACTION", entry.actions, before=f"{name} ", required=False)


def _invocation(options: argparse.Namespace) -> Invocation:
    """What the arguments are about; raises ConfigError.

    A server that runs can be asked whatever its file looks like meanwhile.
    """
    source = str(options.config or BUILT_IN)
    if options.control and options.command != "check":
        return Invocation(options, options.control, None, source)
    try:
        loaded = config.load(options.config)
    except ConfigError as error:
        control = config.control_socket(options.config) if options.config else None
        if options.command == "check" or control is None or not answers(control):
            raise
        end = "" if str(error).endswith("?") else "."
        _warn(f"{error}{end} Going on with the server that answers at {control}")
        return Invocation(options, control, None, source)
    return Invocation(options, options.control or loaded.listen.control, loaded, source)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; gives the exit status."""
    options = parser().parse_args(arguments)
    try:
        status: int = options.run(_invocation(options))
        return status
    except (CommandError, ConfigError, StoreError) as error:
        print(f"xmppctl: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read the output has seen enough; Python must not flush into the pipe again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except (KeyboardInterrupt, EOFError):
        print("xmppctl: stopped", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
