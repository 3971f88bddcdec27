"""The rows of the benchmark, in the order in which they are measured and reported."""

from collections.abc import Callable

from benchmarks import (
    bigroster,
    components,
    elsewhere,
    groupchat,
    items,
    nodes,
    notifications,
    occupants,
    offline,
    pep,
    presence,
    reaching,
    webchat,
)
from benchmarks.acks import chatting_with_acks
from benchmarks.chat import chatting
from benchmarks.rosters import provide_big, provide_ring
from benchmarks.server import Server
from benchmarks.sessions import churn, idle, login
from benchmarks.vcards import asking
from benchmarks.work import Options, Row, people, provide_accounts

_DELIVERED = "µs CPU per delivered message"


def _accounts(count: Callable[[Options], int]) -> Callable[[Server, Options], None]:
    def provide(server: Server, options: Options) -> None:
        provide_accounts(server, people(count(options)), options.concurrency)

    return provide


_users = _accounts(lambda options: options.users)
_occupants = _accounts(lambda options: occupants.MOST)
_ROOMS = frozenset({"muc"})
_NODES = frozenset({"pubsub"})
_S2S = frozenset({"s2s"})
_browsers = _accounts(lambda options: options.browsers)
_BOSH = (_browsers, frozenset({"bosh"}))
_WEBSOCKET = (_browsers, frozenset({"websocket"}))
_CROSSED = "µs CPU per message out or in"

ROWS = (
    Row("chat", "chat, closed loop, plain", _DELIVERED, chatting(tls=False, paced=False), _users),
    Row(
        "chat-sm",
        "chat with acks and rosters, closed loop, plain",
        _DELIVERED,
        chatting_with_acks,
        provide_ring,
        frozenset({"acks"}),
    ),
    Row("chat-tls", "chat, closed loop, TLS", _DELIVERED, chatting(tls=True, paced=False), _users),
    Row("paced", "chat, paced, plain", _DELIVERED, chatting(tls=False, paced=True), _users),
    Row("login", "login: TLS, SASL, bind, presence", "ms CPU per login", login, _users),
    Row(
        "idle",
        "idle TLS sessions",
        "KiB per session",
        idle,
        _accounts(lambda options: options.sessions),
        repeats=False,
    ),
    Row(
        "churn",
        "churn: TLS logins and log-outs",
        "KiB grown",
        churn,
        _users,
        repeats=False,
        ratios=False,
    ),
    Row(
        "presence",
        "presence updates to contacts, closed loop, plain",
        "µs CPU per delivered presence",
        presence.presence,
        provide_ring,
    ),
    Row(
        "login-roster",
        "login with a roster: SASL, bind, roster, presence; plain",
        "ms CPU per login",
        presence.login,
        provide_ring,
    ),
    Row(
        "offline-store",
        "messages to users who are offline",
        "µs CPU per stored message",
        offline.store,
        offline.provide,
        frozenset({"offline"}),
    ),
    Row(
        "offline-deliver",
        "messages delivered at login",
        "µs CPU per delivered message",
        offline.deliver,
        offline.provide,
        frozenset({"offline"}),
    ),
    Row(
        "component",
        "messages between clients and a component, closed loop, plain",
        _DELIVERED,
        components.talking,
        _users,
        frozenset({"component"}),
    ),
    Row(
        "multicast",
        "messages of a component to many clients at once, plain",
        _DELIVERED,
        components.multicasting,
        _accounts(lambda options: options.recipients),
        frozenset({"component"}),
        servers=frozenset({"xmppd", "xmppd-pg"}),
    ),
    Row(
        "vcard",
        "vCards of others, closed loop, plain",
        "µs CPU per request, all processes",
        asking,
        _users,
        frozenset({"vcard"}),
    ),
    Row(
        "muc-100",
        "messages to a room of 100, closed loop, plain",
        _DELIVERED,
        groupchat.talking(rooms=1, size=100, in_flight=8),
        _occupants,
        _ROOMS,
    ),
    Row(
        "muc-1000",
        "messages to a room of 1,000, closed loop, plain",
        _DELIVERED,
        groupchat.talking(rooms=1, size=1000, in_flight=8),
        _occupants,
        _ROOMS,
    ),
    Row(
        "muc-small",
        "messages to 20 rooms of 10, closed loop, plain",
        _DELIVERED,
        groupchat.talking(rooms=20, size=10, in_flight=2),
        _occupants,
        _ROOMS,
    ),
    Row(
        "muc-join-100",
        "joins to rooms that fill to 100, plain",
        "ms CPU per join",
        occupants.joining(100),
        _occupants,
        _ROOMS,
    ),
    Row(
        "muc-join-1000",
        "joins to a room that fills to 1,000, plain",
        "ms CPU per join",
        occupants.joining(1000),
        _occupants,
        _ROOMS,
    ),
    Row(
        "muc-memory",
        "occupants of rooms: memory on top of their sessions'",
        "KiB per occupant",
        occupants.memory,
        _occupants,
        _ROOMS,
        repeats=False,
    ),
    Row(
        "pubsub-1000",
        "notifications of a node with 1,000 subscribers, closed loop, plain",
        "µs CPU per notification",
        notifications.telling,
        nodes.provide_gazette,
        _NODES,
    ),
    Row(
        "pep-200",
        "personal events to 200 contacts, half of whom want them, closed loop, plain",
        "µs CPU per notification",
        pep.telling,
        pep.provide,
        _NODES | {"pep"},
    ),
    Row(
        "pubsub-publish",
        "items published to 20 nodes, closed loop, plain",
        "µs CPU per item",
        items.publish,
        nodes.provide_diaries,
        _NODES,
    ),
    Row(
        "pubsub-items",
        "retrieval of 50 items out of 10,000, closed loop, plain",
        "ms CPU per retrieval",
        items.retrieve,
        nodes.provide_library,
        _NODES,
    ),
    Row(
        "s2s",
        "messages to another domain and back, closed loop, plain",
        _CROSSED,
        elsewhere.chatting(1, "both"),
        _users,
        _S2S,
    ),
    Row(
        "s2s-10",
        "messages to 10 other domains and back, closed loop, plain",
        _CROSSED,
        elsewhere.chatting(10, "both"),
        _users,
        _S2S,
    ),
    Row(
        "s2s-out",
        "messages to another domain, closed loop, plain",
        "µs CPU per message out",
        elsewhere.chatting(1, "out"),
        _users,
        _S2S,
    ),
    Row(
        "s2s-in",
        "messages from another domain, closed loop, plain",
        "µs CPU per message in",
        elsewhere.chatting(1, "in"),
        _users,
        _S2S,
    ),
    Row(
        "s2s-500",
        "local chat while 500 other domains are contacted at once",
        "ms, the 99th percentile of round trips",
        reaching.local_chat,
        _accounts(lambda options: reaching.PEOPLE),
        _S2S,
    ),
    Row("bosh", "chat by BOSH, closed loop", _DELIVERED, webchat.chatting(webchat.BOSH), *_BOSH),
    Row(
        "websocket",
        "chat by WebSocket, closed loop",
        _DELIVERED,
        webchat.chatting(webchat.WEBSOCKET),
        *_WEBSOCKET,
    ),
    Row(
        "bosh-idle",
        "idle sessions by BOSH",
        "KiB per session",
        webchat.idling(webchat.BOSH),
        *_BOSH,
        repeats=False,
    ),
    Row(
        "websocket-idle",
        "idle sessions by WebSocket",
        "KiB per session",
        webchat.idling(webchat.WEBSOCKET),
        *_WEBSOCKET,
        repeats=False,
    ),
    Row(
        "big-roster",
        "pings during the login of the owner of a big roster",
        "ms, the worst ping",
        bigroster.worst_ping,
        provide_big,
    ),
)
