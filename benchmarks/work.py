"""The rows of the benchmark: what each asks of a server, and the figure it makes of it."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.chat import Chat, Outcome
from benchmarks.load import Crowd
from benchmarks.proc import Meter, memory_kib, tree
from benchmarks.scripts import logging_in, registering, tls_context, visiting
from benchmarks.server import Server

_WARM_LOGINS = 50
FLAT_KIB = 1024
"""Memory may grow by this much from half of the churn to its end and still count as flat."""


@dataclass(frozen=True)
class Options:
    """How much work: see `python -m benchmarks --help` for each."""

    users: int = 400
    seconds: float = 8.0
    warm_up: float = 2.0
    window: int = 4
    rate: float = 1000.0
    concurrency: int = 16
    sessions: int = 2000
    churn: int = 10_000
    churn_warm_up: int = 1000
    settle: float = 5.0


@dataclass(frozen=True)
class Measure:
    """One run of one row on one server; `cost` is in the row's unit, latencies in ms."""

    cost: float
    per_second: float | None = None
    p50: float | None = None
    p99: float | None = None
    server_load: float | None = None
    generator_load: float | None = None
    notes: dict[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One kind of work: its key on the command line, its title, the unit of its cost.

    `accounts` says how many it needs, `repeats` whether it is worth several rounds (memory is
    not), `ratios` whether costs can be compared by dividing them.
    """

    key: str
    title: str
    unit: str
    run: Callable[[Server, Options], Measure]
    accounts: Callable[[Options], int]
    repeats: bool = True
    ratios: bool = True


def provide_accounts(server: Server, count: int, concurrency: int) -> None:
    """Make the accounts a row needs that the server does not have yet; starts and stops it."""
    missing = [name for name in _users(count) if name not in server.accounts]
    if not missing:
        return
    with server, Crowd(server.address) as crowd:
        crowd.play(missing, registering(crowd), concurrency)
    server.accounts.update(missing)


def _users(count: int) -> list[str]:
    return [f"juliet{number}" for number in range(count)]


def _chat(tls: bool, paced: bool) -> Callable[[Server, Options], Measure]:
    def run(server: Server, options: Options) -> Measure:
        with Crowd(server.address) as crowd:
            context = tls_context() if tls else None
            crowd.play(_users(options.users), logging_in(context), options.concurrency)
            crowd.drain(1.0)
            chat = Chat(crowd, server.pid)
            if paced:
                outcome = chat.paced(options.rate, options.warm_up, options.seconds)
            else:
                outcome = chat.closed(options.window, options.warm_up, options.seconds)
            return _chat_measure(outcome, _security(crowd))

    return run


def _chat_measure(outcome: Outcome, security: str) -> Measure:
    usage = outcome.usage
    latencies = sorted(outcome.latencies)
    return Measure(
        cost=usage.server / max(outcome.delivered, 1) * 1e6,
        per_second=outcome.delivered / usage.wall,
        p50=_percentile(latencies, 0.50),
        p99=_percentile(latencies, 0.99),
        server_load=usage.server_load,
        generator_load=usage.generator_load,
        notes={"lost": outcome.lost, "security": security},
    )


def _login(server: Server, options: Options) -> Measure:
    users, context = _users(options.users), tls_context()
    with Crowd(server.address) as crowd:
        crowd.play(users[:_WARM_LOGINS], visiting(crowd, context), options.concurrency)
        meter = Meter(server.pid)
        took = sorted(crowd.play(users, logging_in(context), options.concurrency))
        busy = meter.read()
        crowd.drain(0.5)
        return Measure(
            cost=meter.read().server / len(users) * 1e3,
            per_second=len(users) / busy.wall,
            p50=_percentile(took, 0.50),
            p99=_percentile(took, 0.99),
            server_load=busy.server_load,
            generator_load=busy.generator_load,
            notes={"security": _security(crowd)},
        )


def _idle(server: Server, options: Options) -> Measure:
    users, context = _users(options.sessions), tls_context()
    with Crowd(server.address) as crowd:
        crowd.play(users[:_WARM_LOGINS], visiting(crowd, context), options.concurrency)
        before = _settled_kib(server, crowd, options)
        crowd.play(users, logging_in(context), options.concurrency)
        after = _settled_kib(server, crowd, options)
        return Measure(
            cost=(after - before) / len(users),
            notes={"KiB before": before, "KiB after": after, "security": _security(crowd)},
        )


def _churn(server: Server, options: Options) -> Measure:
    context, names = tls_context(), itertools.cycle(_users(options.users))
    with Crowd(server.address) as crowd:

        def visit(count: int) -> list[float]:
            some = itertools.islice(names, count)
            return crowd.play(some, visiting(crowd, context), options.concurrency)

        visit(options.churn_warm_up)
        before = _settled_kib(server, crowd, options)
        meter = Meter(server.pid)
        took = visit(options.churn // 2)
        usage = meter.read()
        half = _settled_kib(server, crowd, options)
        took = sorted(took + visit(options.churn - options.churn // 2))
        after = _settled_kib(server, crowd, options)
    return Measure(
        cost=after - before,
        per_second=(options.churn // 2) / usage.wall,
        p50=_percentile(took, 0.50),
        p99=_percentile(took, 0.99),
        server_load=usage.server_load,
        generator_load=usage.generator_load,
        notes={
            "KiB before": before,
            "KiB at half": half,
            "KiB after": after,
            "flat": "yes" if after - half <= FLAT_KIB else "no",
        },
    )


def _settled_kib(server: Server, crowd: Crowd, options: Options) -> int:
    crowd.drain(options.settle)
    return memory_kib(tree(server.pid))


def _percentile(values: list[float], part: float) -> float | None:
    """Return a percentile of sorted seconds, in milliseconds."""
    return values[min(len(values) - 1, int(len(values) * part))] * 1e3 if values else None


def _security(crowd: Crowd) -> str:
    """Describe how the first client is secured: SASL mechanism, TLS version and cipher."""
    client = next(iter(crowd.clients.values()))
    return f"{client.mechanism}, {client.cipher}" if client.cipher else client.mechanism


ROWS = (
    Row(
        "chat",
        "chat, closed loop, plain",
        "µs CPU per delivered message",
        _chat(tls=False, paced=False),
        lambda options: options.users,
    ),
    Row(
        "chat-tls",
        "chat, closed loop, TLS",
        "µs CPU per delivered message",
        _chat(tls=True, paced=False),
        lambda options: options.users,
    ),
    Row(
        "paced",
        "chat, paced, plain",
        "µs CPU per delivered message",
        _chat(tls=False, paced=True),
        lambda options: options.users,
    ),
    Row(
        "login",
        "login: TLS, SASL, bind, presence",
        "ms CPU per login",
        _login,
        lambda options: options.users,
    ),
    Row(
        "idle",
        "idle TLS sessions",
        "KiB per session",
        _idle,
        lambda options: options.sessions,
        repeats=False,
    ),
    Row(
        "churn",
        "churn: TLS logins and log-outs",
        "KiB grown",
        _churn,
        lambda options: options.users,
        repeats=False,
        ratios=False,
    ),
)
