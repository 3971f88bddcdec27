"""The report: one Markdown table for each row, the ratios, and the bars that xmppd has to clear.

Absolute times drift on shared machines, so a ratio is taken within each round, where the servers
ran one after the other, and the median of these is what counts.
"""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.rows import ROWS
from benchmarks.sessions import FLAT_KIB
from benchmarks.work import Measure, Row

_BUSY = 0.95
_SUBJECT = "xmppd"
_PEERS = ("prosody", "ejabberd")


@dataclass
class Results:
    """All measurements of a run: `measures[row key][server name]`, one for each round.

    A measurement that failed is None, so that rounds stay aligned.
    """

    measures: dict[str, dict[str, list[Measure | None]]] = field(default_factory=dict)

    def add(self, row: str, server: str, measure: Measure | None) -> None:
        """Append one round's measurement."""
        self.measures.setdefault(row, {}).setdefault(server, []).append(measure)

    def of(self, row: str, server: str) -> list[Measure]:
        """Return the measurements that did not fail."""
        rounds = self.measures.get(row, {}).get(server, [])
        return [measure for measure in rounds if measure is not None]

    def cost(self, row: str, server: str) -> float | None:
        """Return the median cost."""
        return _median(measure.cost for measure in self.of(row, server))

    def ratio(self, row: str, server: str, peer: str, peers_row: str = "") -> float | None:
        """Return the median over the rounds of the server's cost divided by the peer's.

        Of the same row, unless `peers_row` names another one for the peer.
        """
        ours = self.measures.get(row, {}).get(server, [])
        theirs = self.measures.get(peers_row or row, {}).get(peer, [])
        pairs = zip(ours, theirs, strict=False)
        return _median(a.cost / b.cost for a, b in pairs if a and b and b.cost > 0)


@dataclass(frozen=True)
class Bar:
    """One bar: in words, at most how much, and how the figure is found in the results.

    With `least`, it is at least how much.
    """

    row: str
    title: str
    limit: float
    figure: Callable[[Results], float | None]
    beside: str = ""
    """A row that has to be in the same run for the bar to mean anything."""
    least: bool = False

    @property
    def words(self) -> str:
        """The limit as the report has it."""
        return f"{'at least ' if self.least else ''}{self.limit:g}"

    def met(self, figure: float) -> bool:
        """Whether a figure clears the bar."""
        return figure >= self.limit if self.least else figure <= self.limit


def _against(row: str, peer: str) -> Callable[[Results], float | None]:
    return lambda results: results.ratio(row, _SUBJECT, peer)


def _against_best(row: str) -> Callable[[Results], float | None]:
    def figure(results: Results) -> float | None:
        ratios = [results.ratio(row, _SUBJECT, peer) for peer in _PEERS]
        return max((ratio for ratio in ratios if ratio is not None), default=None)

    return figure


def _idle(results: Results) -> float | None:
    return results.cost("idle", _SUBJECT)


def _published(results: Results) -> float | None:
    return _median(measure.per_second for measure in results.of("pubsub-publish", _SUBJECT))


def _late_growth(results: Results) -> float | None:
    notes = [measure.notes for measure in results.of("churn", _SUBJECT)]
    return _median(float(note["KiB after"]) - float(note["KiB at half"]) for note in notes)


def _of_chat(row: str) -> Callable[[Results], float | None]:
    return lambda results: results.ratio(row, _SUBJECT, _SUBJECT, peers_row="chat")


def _worst(row: str) -> Callable[[Results], float | None]:
    def figure(results: Results) -> float | None:
        return max((measure.cost for measure in results.of(row, _SUBJECT)), default=None)

    return figure


BARS = (
    Bar("chat", "chat, plain: ÷ ejabberd", 0.40, _against("chat", "ejabberd")),
    Bar("chat", "chat, plain: ÷ prosody", 0.30, _against("chat", "prosody")),
    Bar("chat-sm", "chat with acks: ÷ xmppd's own chat", 1.25, _of_chat("chat-sm"), beside="chat"),
    Bar("chat-tls", "chat, TLS: ÷ ejabberd", 0.45, _against("chat-tls", "ejabberd")),
    Bar("chat-tls", "chat, TLS: ÷ prosody", 0.32, _against("chat-tls", "prosody")),
    Bar("paced", "chat, paced: ÷ ejabberd", 0.80, _against("paced", "ejabberd")),
    Bar("login", "login: ÷ the better peer", 1.00, _against_best("login")),
    Bar("idle", "idle TLS session, KiB", 48.0, _idle),
    Bar("churn", "churn, KiB grown in the second half", FLAT_KIB, _late_growth),
    Bar("presence", "presence: ÷ the better peer", 0.50, _against_best("presence")),
    Bar("login-roster", "login, roster: ÷ the better peer", 0.60, _against_best("login-roster")),
    Bar(
        "offline-store", "offline, stored: ÷ the better peer", 0.60, _against_best("offline-store")
    ),
    Bar(
        "offline-deliver",
        "offline, delivered: ÷ the better peer",
        1.00,
        _against_best("offline-deliver"),
    ),
    Bar("component", "component: ÷ xmppd's own chat", 1.30, _of_chat("component"), beside="chat"),
    Bar("multicast", "multicast: ÷ xmppd's own chat", 0.40, _of_chat("multicast"), beside="chat"),
    Bar("vcard", "vCard of another: ÷ prosody", 0.60, _against("vcard", "prosody")),
    Bar("muc-100", "room of 100: ÷ the better peer", 0.40, _against_best("muc-100")),
    Bar("muc-1000", "room of 1,000: ÷ the better peer", 0.40, _against_best("muc-1000")),
    Bar("muc-small", "20 rooms of 10: ÷ the better peer", 0.70, _against_best("muc-small")),
    Bar("muc-join-100", "join, 100: ÷ the better peer", 0.80, _against_best("muc-join-100")),
    Bar("muc-join-1000", "join, 1,000: ÷ the better peer", 0.80, _against_best("muc-join-1000")),
    Bar("muc-memory", "occupant, memory: ÷ the better peer", 1.00, _against_best("muc-memory")),
    Bar("pubsub-1000", "1,000 subscribers: ÷ the better peer", 0.60, _against_best("pubsub-1000")),
    Bar("pep-200", "personal events: ÷ the better peer", 0.60, _against_best("pep-200")),
    Bar("pubsub-publish", "items published a second", 1500.0, _published, least=True),
    Bar(
        "pubsub-items", "50 of 10,000 items: ÷ the better peer", 1.00, _against_best("pubsub-items")
    ),
    Bar("s2s", "another domain: ÷ the better peer", 0.60, _against_best("s2s")),
    Bar("s2s-10", "10 other domains: ÷ the better peer", 0.60, _against_best("s2s-10")),
    Bar("s2s-out", "to another domain: ÷ the better peer", 0.60, _against_best("s2s-out")),
    Bar("s2s-in", "from another domain: ÷ the better peer", 0.60, _against_best("s2s-in")),
    Bar("s2s-500", "500 domains, worst p99 of local round trips, ms", 50.0, _worst("s2s-500")),
    Bar("bosh", "BOSH: ÷ prosody", 0.90, _against("bosh", "prosody")),
    Bar("bosh", "BOSH: ÷ ejabberd", 2.00, _against("bosh", "ejabberd")),
    Bar("websocket", "WebSocket: ÷ prosody", 0.65, _against("websocket", "prosody")),
    Bar("websocket", "WebSocket: ÷ ejabberd", 1.50, _against("websocket", "ejabberd")),
    Bar("bosh-idle", "idle by BOSH: ÷ the better peer", 1.00, _against_best("bosh-idle")),
    Bar(
        "websocket-idle",
        "idle by WebSocket: ÷ the better peer",
        1.00,
        _against_best("websocket-idle"),
    ),
    Bar("big-roster", "big roster, worst ping of all rounds, ms", 50.0, _worst("big-roster")),
)


def markdown(results: Results, servers: Sequence[str]) -> str:
    """Return the whole report of what was measured."""
    rows = [row for row in ROWS if row.key in results.measures]
    parts = [_row_section(row, results, servers) for row in rows]
    if _SUBJECT in servers:
        parts.append(_bars_section(results))
    return "\n\n".join(parts) + "\n"


def _row_section(row: Row, results: Results, servers: Sequence[str]) -> str:
    peers = [name for name in servers if name in _PEERS] if row.ratios else []
    head = ["server", row.unit, "lowest to highest", *(f"÷ {peer}" for peer in peers)]
    head += ["per second", "p50 ms", "p99 ms", "server core", "generator core", "notes"]
    lines = [f"### {row.title}", "", _line(head), _line(["---"] * len(head))]
    lines += [_line(_cells(row, results, server, peers)) for server in servers]
    return "\n".join(lines)


def _cells(row: Row, results: Results, server: str, peers: Sequence[str]) -> list[str]:
    measures = results.of(row.key, server)
    if not measures:
        return [server, "failed"]
    costs = [measure.cost for measure in measures]
    ratios = [results.ratio(row.key, server, peer) for peer in peers]
    return [
        server,
        f"**{statistics.median(costs):.2f}**",
        f"{min(costs):.2f} to {max(costs):.2f}" if len(costs) > 1 else "",
        *(_number(ratio, 2) for ratio in ratios),
        _number(_median(m.per_second for m in measures), 0),
        _number(_median(m.p50 for m in measures), 2),
        _number(_median(m.p99 for m in measures), 2),
        _load(measures, lambda m: m.server_load),
        _load(measures, lambda m: m.generator_load, warn=True),
        _notes(measures),
    ]


def _load(
    measures: list[Measure], load: Callable[[Measure], float | None], warn: bool = False
) -> str:
    value = _median(load(measure) for measure in measures)
    if value is None:
        return ""
    return f"{value:.0%}" + (" (bottleneck!)" if warn and value > _BUSY else "")


def _notes(measures: list[Measure]) -> str:
    """Join the notes of the rounds: numbers by their median, words once each."""
    texts = []
    for key in measures[0].notes:
        values = [measure.notes[key] for measure in measures if key in measure.notes]
        numbers = [value for value in values if not isinstance(value, str)]
        words = sorted({value for value in values if isinstance(value, str)})
        text = _note(statistics.median(numbers)) if numbers else " / ".join(words)
        texts.append(text if key == "security" else f"{key} {text}")
    return ", ".join(texts)


def _note(value: float) -> str:
    return f"{value:.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.1f}"


def _bars_section(results: Results) -> str:
    head = ["bar", "at most", "measured", "met"]
    lines = ["### Bars", "", _line(head), _line(["---"] * len(head))]
    for bar in BARS:
        if all(row in results.measures for row in (bar.row, bar.beside) if row):
            figure = bar.figure(results)
            met = "?" if figure is None else "yes" if bar.met(figure) else "**no**"
            lines.append(_line([bar.title, bar.words, _number(figure, 2), met]))
    return "\n".join(lines)


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
