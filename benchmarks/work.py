"""What a row of the benchmark is, how much work it does, and the figures it returns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.load import Crowd
from benchmarks.proc import Usage
from benchmarks.scripts import registering
from benchmarks.server import Server


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
    contacts: int = 30
    roster_items: int = 5000
    ack_every: int = 10
    resume: bool = False
    offline: int = 25
    senders: int = 40
    recipients: int = 1000
    items: int = 10_000
    browsers: int = 1000
    browser_window: int = 1


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

    `provide` makes what the work needs on the server and is not there yet: accounts, rosters.
    `features` names the modules that the peers load for this row only. `repeats` says whether it
    is worth several rounds (memory is not), `ratios` whether costs can be compared by dividing
    them. `servers` names those that can do it at all, where not all can.
    """

    key: str
    title: str
    unit: str
    run: Callable[[Server, Options], Measure]
    provide: Callable[[Server, Options], None]
    features: frozenset[str] = frozenset()
    repeats: bool = True
    ratios: bool = True
    servers: frozenset[str] = frozenset()


def people(count: int, name: str = "juliet") -> list[str]:
    """Return the names of the first `count` accounts of a kind."""
    return [f"{name}{number}" for number in range(count)]


def provide_accounts(server: Server, names: Sequence[str], concurrency: int) -> None:
    """Make those of the accounts that the server does not have yet; starts and stops it."""
    missing = [name for name in names if name not in server.accounts]
    if not missing:
        return
    with server, Crowd(server.address) as crowd:
        crowd.play(missing, registering(crowd), concurrency)
    server.accounts.update(missing)


def timed(
    cost: float, units: int, usage: Usage, took: Sequence[float], notes: dict[str, str | float]
) -> Measure:
    """Make the measure of a stretch of time: units done in it, and the seconds some took."""
    took = sorted(took)
    return Measure(
        cost=cost,
        per_second=units / usage.wall,
        p50=percentile(took, 0.50),
        p99=percentile(took, 0.99),
        server_load=usage.server_load,
        generator_load=usage.generator_load,
        notes=notes,
    )


def percentile(values: Sequence[float], part: float) -> float | None:
    """Return a percentile of sorted seconds, in milliseconds."""
    return values[min(len(values) - 1, int(len(values) * part))] * 1e3 if values else None


def security(crowd: Crowd) -> str:
    """Describe how the first client is secured: SASL mechanism, TLS version and cipher."""
    client = next(iter(crowd.clients.values()))
    return f"{client.mechanism}, {client.cipher}" if client.cipher else client.mechanism
