"""The command `python -m benchmarks`: measure the servers side by side and print the report."""

import argparse
import contextlib
import json
import os
import platform
import resource
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks import report
from benchmarks.client import LoadError
from benchmarks.peers import Ejabberd, Prosody
from benchmarks.postgres import XmppdPostgres
from benchmarks.rows import ROWS
from benchmarks.server import Certificate, Server
from benchmarks.subject import Xmppd
from benchmarks.work import Measure, Options, Row

USUAL: tuple[type[Server], ...] = (Xmppd, Prosody, Ejabberd)
_ALL: tuple[type[Server], ...] = (*USUAL, XmppdPostgres)
SERVERS: dict[str, type[Server]] = {cls.name: cls for cls in _ALL}

EXAMPLES = """\
examples:
  python -m benchmarks
      every row on every server that is installed (an hour and a half)
  python -m benchmarks --rows chat,chat-tls --rounds 5 --secs 10
      the data path only, more rounds
  python -m benchmarks --servers prosody,ejabberd --json peers.json
      the peers alone, with all raw figures in a file
  python -m benchmarks --rows idle,churn --sessions 500 --churn 2000
      a quick look at memory
  python -m benchmarks --rows presence,login-roster --users 120 --rounds 1
      a quick look at presence; making the rosters takes longest, on Prosody above all
  python -m benchmarks --rows chat,chat-sm --resume
      what acks cost, with streams that can be resumed
  python -m benchmarks --servers xmppd,xmppd-pg --rows offline-store,offline-deliver
      xmppd on SQLite beside xmppd on PostgreSQL (XMPPD_BENCH_POSTGRES may name a database)
  python -m benchmarks --rows muc-100,muc-small,muc-join-100 --rounds 1 --secs 3
      a quick look at rooms; those of 1,000 take minutes to fill, on Prosody above all
  python -m benchmarks --rows pubsub-1000,pep-200,pubsub-publish --rounds 1 --secs 3
      a quick look at nodes and personal events
  python -m benchmarks --rows s2s,s2s-out,s2s-in,s2s-500 --rounds 1 --secs 3
      a quick look at other servers
  python -m benchmarks --rows bosh,websocket,bosh-idle,websocket-idle --rounds 1 --secs 4
      a quick look at clients that come by HTTP
  python -m benchmarks.profile_xmppd chat
      where xmppd spends its time (cProfile)
"""


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    default = Options()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    keys = [row.key for row in ROWS]
    add = parser.add_argument
    usual = [cls.name for cls in USUAL]
    servers = f"{_list(usual)}; also xmppd-pg, on PostgreSQL"
    add("--servers", type=_choice(list(SERVERS)), default=usual, help=servers)
    add("--rows", type=_choice(keys), default=keys, help=_list(keys))
    add("--rounds", type=int, default=3, help="rounds of each timed row (default 3)")
    add("--memory-rounds", type=int, default=1, help="rounds of memory rows (default 1)")
    add("--users", type=int, default=default.users, help="clients; chat pairs them (400)")
    add("--secs", type=float, default=default.seconds, help="measured seconds of chat (8)")
    add("--warm-up", type=float, default=default.warm_up, help="seconds of chat before that (2)")
    add("--window", type=int, default=default.window, help="messages in flight per client (4)")
    add("--rate", type=float, default=default.rate, help="paced messages per second in all (1000)")
    add("--concurrency", type=int, default=default.concurrency, help="logins overlapped (16)")
    add("--sessions", type=int, default=default.sessions, help="idle sessions (2000)")
    add("--churn", type=int, default=default.churn, help="logins and log-outs (10000)")
    add("--churn-warm-up", type=int, default=default.churn_warm_up, help="before those (1000)")
    add("--settle", type=float, default=default.settle, help="seconds before memory is read (5)")
    add("--contacts", type=int, default=default.contacts, help="contacts of each user (30)")
    add("--roster-items", type=int, default=default.roster_items, help="big roster's items (5000)")
    add("--ack-every", type=int, default=default.ack_every, help="messages per ack request (10)")
    add("--resume", action="store_true", help="chat-sm with streams that can be resumed")
    add("--offline", type=int, default=default.offline, help="offline messages per user (25)")
    add("--senders", type=int, default=default.senders, help="who send them (40)")
    add("--recipients", type=int, default=default.recipients, help="of a multicast (1000)")
    add("--items", type=int, default=default.items, help="of pubsub-items' node (10000)")
    add("--browsers", type=int, default=default.browsers, help="clients by HTTP (1000)")
    flight = "messages in flight per client by HTTP (1)"
    add("--browser-window", type=int, default=default.browser_window, help=flight)
    add("--ejabberd-vm", default="+S 1", help='options of the Erlang machine (default "+S 1")')
    add("--json", type=Path, metavar="FILE", help="write all raw figures there")
    return parser.parse_args(argv)


def options(args: argparse.Namespace) -> Options:
    """Return the amount of work that the command line asks for."""
    return Options(
        users=args.users // 2 * 2,
        seconds=args.secs,
        warm_up=args.warm_up,
        window=args.window,
        rate=args.rate,
        concurrency=args.concurrency,
        sessions=args.sessions,
        churn=args.churn,
        churn_warm_up=args.churn_warm_up,
        settle=args.settle,
        contacts=args.contacts,
        roster_items=args.roster_items,
        ack_every=args.ack_every,
        resume=args.resume,
        offline=args.offline,
        senders=args.senders,
        recipients=args.recipients,
        items=args.items,
        browsers=args.browsers // 2 * 2,
        browser_window=args.browser_window,
    )


def _list(names: Sequence[str]) -> str:
    return f"comma-separated; default: {','.join(names)}"


def _choice(known: list[str]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return names

    return read


def place() -> int | None:
    """Take a core for the load generator and return the other for the server, if there are two.

    Raises the limit of open files, which the servers inherit, as far as it goes.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        _say("only one core: server and load generator share it, and the closed loop says little")
        return None
    os.sched_setaffinity(0, {cores[1]})
    return cores[0]


def build(names: Sequence[str], home: Path, core: int | None) -> list[Server]:
    """Configure those of the servers that are installed; a line on the others."""
    certificate = Certificate.make(home / "tls")
    servers = []
    for name in names:
        absence = SERVERS[name].absence()
        if absence:
            _say(f"{name} is left out: {absence}")
        else:
            servers.append(SERVERS[name](home / name, certificate, core))
    return servers


def measure(row: Row, server: Server, work: Options) -> Measure | None:
    """Run one row on one server, started for it; None when that failed, with a line on why."""
    try:
        server.load(row.features)
        row.provide(server, work)
        with server:
            result = row.run(server, work)
    except (LoadError, RuntimeError, OSError) as error:
        _say(f"{row.key:15} {server.name:9} failed: {error}")
        return None
    _say(f"{row.key:15} {server.name:9} {result.cost:10.2f} {row.unit}")
    return result


def run(servers: list[Server], args: argparse.Namespace) -> report.Results:
    """Measure every row on every server, round by round: in each the rows, in these the servers.

    What a round compares has run at about the same time then, one row with another included.
    """
    results, work = report.Results(), options(args)
    for number in range(max(args.rounds, args.memory_rounds)):
        for row in (row for row in ROWS if row.key in args.rows):
            if number < (args.rounds if row.repeats else args.memory_rounds):
                for server in servers:
                    if row.servers and server.name not in row.servers:
                        continue
                    results.add(row.key, server.name, measure(row, server, work))
    return results


def machine() -> str:
    """Describe the machine in one line."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
        return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}"
    return platform.platform()


def write_json(path: Path, results: report.Results, args: argparse.Namespace) -> None:
    """Write options, machine and every single measurement."""
    measures = {
        row: {
            server: [asdict(one) if one else None for one in rounds]
            for server, rounds in servers.items()
        }
        for row, servers in results.measures.items()
    }
    content = {"machine": machine(), "options": asdict(options(args)), "rows": measures}
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def main() -> int:
    """Run it all; the exit status is 1 when a measurement failed."""
    args = arguments()
    Ejabberd.vm_options = args.ejabberd_vm.split()
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="xmppd-bench-") as home:
        servers = build(args.servers, Path(home), place())
        results = run(servers, args)
    names = [server.name for server in servers]
    print(f"{machine()}; `{' '.join(['python -m benchmarks', *sys.argv[1:]])}`")
    print("; ".join(f"{server.name} {server.version()}" for server in servers), end="\n\n")
    print(report.markdown(results, names))
    if args.json:
        write_json(args.json, results, args)
    failed = any(
        one is None
        for row in results.measures.values()
        for rounds in row.values()
        for one in rounds
    )
    return 1 if failed or not servers else 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
