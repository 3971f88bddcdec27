"""The rows about sessions as such: logins, idle sessions, logins and log-outs."""

import itertools

from benchmarks.load import Crowd
from benchmarks.proc import Meter, memory_kib
from benchmarks.scripts import logging_in, tls_context, visiting
from benchmarks.server import Server
from benchmarks.work import Measure, Options, people, security, timed

WARM_LOGINS = 50
"""Logins and log-outs that come before whatever a login costs is measured."""
FLAT_KIB = 1024
"""Memory may grow by this much from half of the churn to its end and still count as flat."""


def login(server: Server, options: Options) -> Measure:
    """Log all users in over TLS, some at a time."""
    users, context = people(options.users), tls_context()
    with Crowd(server.address) as crowd:
        crowd.play(users[:WARM_LOGINS], visiting(crowd, logging_in(context)), options.concurrency)
        meter = Meter(server.processes)
        took = crowd.play(users, logging_in(context), options.concurrency)
        busy = meter.read()
        crowd.drain(0.5)
        cost = meter.read().server / len(users) * 1e3
        return timed(cost, len(users), busy, took, {"security": security(crowd)})


def idle(server: Server, options: Options) -> Measure:
    """Have many TLS sessions that do nothing, and look at the memory."""
    users, context = people(options.sessions), tls_context()
    with Crowd(server.address) as crowd:
        crowd.play(users[:WARM_LOGINS], visiting(crowd, logging_in(context)), options.concurrency)
        before = settled_kib(server, crowd, options)
        crowd.play(users, logging_in(context), options.concurrency)
        after = settled_kib(server, crowd, options)
        return Measure(
            cost=(after - before) / len(users),
            notes={"KiB before": before, "KiB after": after, "security": security(crowd)},
        )


def churn(server: Server, options: Options) -> Measure:
    """Log in and out many times, and look at what memory grows by."""
    context, names = tls_context(), itertools.cycle(people(options.users))
    with Crowd(server.address) as crowd:

        def visit(count: int) -> list[float]:
            some = itertools.islice(names, count)
            return crowd.play(some, visiting(crowd, logging_in(context)), options.concurrency)

        visit(options.churn_warm_up)
        before = settled_kib(server, crowd, options)
        meter = Meter(server.processes)
        took = visit(options.churn // 2)
        usage = meter.read()
        half = settled_kib(server, crowd, options)
        took += visit(options.churn - options.churn // 2)
        after = settled_kib(server, crowd, options)
    notes: dict[str, str | float] = {
        "KiB before": before,
        "KiB at half": half,
        "KiB after": after,
        "flat": "yes" if after - half <= FLAT_KIB else "no",
    }
    return timed(after - before, options.churn // 2, usage, took, notes)


def settled_kib(server: Server, crowd: Crowd, options: Options) -> int:
    """Return the memory of all the server's processes when it has had time to come to rest."""
    crowd.drain(options.settle)
    return memory_kib(server.processes())
