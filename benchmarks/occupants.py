"""The rows about being in a room (XEP-0045): joins, and the memory of those who are there."""

from collections.abc import Callable

from benchmarks.load import Crowd
from benchmarks.proc import Meter
from benchmarks.rooms import Filling, Room, create, divided, furnish, ready
from benchmarks.server import Server
from benchmarks.sessions import WARM_LOGINS, settled_kib
from benchmarks.work import Measure, Options, security, timed

MOST = 1000
"""Clients of the largest room, and of the row about memory."""
SMALL = 10
"""Occupants of a small room."""


def joining(size: int) -> Callable[[Server, Options], Measure]:
    """Return the row: rooms that fill to `size`, as many as make a thousand joins.

    The same clients join one room after the other, and stay; some of them join one more before.
    """

    def run(server: Server, options: Options) -> Measure:
        with Crowd(server.address) as crowd:
            clients = ready(crowd, size, options)
            furnish(crowd, server, [Room("rehearsal", clients[:WARM_LOGINS])])
            rooms = [Room(f"verona{number}", clients) for number in range(MOST // size)]
            for room in rooms:
                create(crowd, [room])
            took: list[float] = []
            meter = Meter(server.processes)
            fillings = []
            for room in rooms:
                fillings.append(Filling(crowd, server, [room]))
                took += fillings[-1].fill()
            busy = meter.read()
            crowd.drain(0.5)
            cost = meter.read().server / len(took) * 1e3
            history = max(filling.check() for filling in fillings)
            notes: dict[str, str | float] = {"history": history, "security": security(crowd)}
            return timed(cost, len(took), busy, took, notes)

    return run


def memory(server: Server, options: Options) -> Measure:
    """Have many clients sit in small rooms, then in one large one as well, and look at memory."""
    with Crowd(server.address) as crowd:
        clients = ready(crowd, MOST, options)
        furnish(crowd, server, [Room("rehearsal", clients[:WARM_LOGINS])])
        outside = settled_kib(server, crowd, options)
        furnish(crowd, server, divided(clients, SMALL, "cell"))
        small = settled_kib(server, crowd, options)
        furnish(crowd, server, [Room("verona", clients)])
        large = settled_kib(server, crowd, options)
        return Measure(
            cost=(large - outside) / (2 * len(clients)),
            notes={
                "KiB outside": outside,
                "KiB per occupant of small rooms": (small - outside) / len(clients),
                "of the large one": (large - small) / len(clients),
                "security": security(crowd),
            },
        )
