"""Loading, unloading and reloading of modules: what one did is taken back to the last entry."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail

from tests.support.server import DOMAIN, Verona
from xmppd.core.context import ModuleContext
from xmppd.core.disco import Identity
from xmppd.core.host import Host
from xmppd.core.iq import On
from xmppd.core.loader import Loaded
from xmppd.errors import ConfigError
from xmppd.phases import Phase
from xmppd.stream.features import NONE, Feature


def state(host: Host) -> dict[str, Any]:
    """Everything of a server that a module can change."""
    advertised = host.advertised
    return {
        "hooks": {name: point.handlers for name, point in host.hooks.points.items()},
        "iq": dict(host.router.iq._table),
        "features": list(host.features),
        "nonzas": dict(host.nonzas),
        "open": dict(host.open_requests),
        "claims": dict(host.claims),
        "disco features": {on: advertised.features(on, DOMAIN) for on in On},
        "identities": {on: list(advertised.identities[on]) for on in On},
        "forms": list(advertised.forms),
        "items": list(advertised.items),
        "routes": dict(host.router.routes),
        "policy": host.policy(loopback=True).open_requests,
        "timers": len(host.clock.getDelayedCalls()),  # type: ignore[attr-defined]
    }


def play(name: str, register: Any) -> ModuleType:
    module = ModuleType(f"xmppd.modules.{name}")
    module.register = register  # type: ignore[attr-defined]
    return module


def everything(context: ModuleContext) -> None:
    """A module that uses all there is."""
    for point in context.hooks.points.values():
        context.hook(point, Phase.COPY, lambda *args: args[0])
    for on in On:
        context.iq(on, "get", "urn:example:q q", lambda request: None)
        context.iq(on, "set", "urn:example:q q", lambda request: None)
        context.identity(on, Identity("server", "im"))
    context.advertise("urn:example:q", *On)
    context.advertise("urn:example:p")
    context.items(lambda: ["rooms.capulet.lit"])
    context.on_unload(context.host.router.attach(lambda stanza: None, "rooms.capulet.lit"))
    context.feature(Feature("q", NONE, NONE, lambda stream: None))
    context.nonza("urn:example:q r", lambda session, nonza: None)
    context.open_request("urn:example:q o", lambda connection, stanza: None)  # type: ignore[arg-type,return-value]
    context.every(60, lambda: None)


def test_unloading_takes_back_all_that_loading_did() -> None:
    server = Verona(available=())
    before = state(server.host)
    context = ModuleContext(server.host, "everything")
    everything(context)
    loaded = state(server.host)
    assert [key for key in before if before[key] == loaded[key]] == ["forms"], (
        "the test is to touch everything that a context offers"
    )
    context.undo()
    assert state(server.host) == before
    everything(context)
    context.undo()
    assert state(server.host) == before


def test_the_servers_own_modules_leave_nothing_behind() -> None:
    empty = state(Verona(available=()).host)
    server = Verona()
    names = list(server.loaded.contexts)
    assert "ping" in names
    with_all = state(server.host)
    server.loaded.follow(names)
    left = state(server.host)
    assert server.loaded.contexts == {}
    assert {k: v for k, v in left.items() if k != "routes"} == {
        k: v for k, v in empty.items() if k != "routes"
    }
    server.loaded.follow(())
    again = state(server.host)
    for key in ("disco features", "identities", "timers", "policy"):
        assert again[key] == with_all[key], key
    assert again["iq"].keys() == with_all["iq"].keys()


@pytest.mark.parametrize("name", list(Verona().loaded.contexts))
def test_each_module_can_be_left_out_alone(name: str) -> None:
    server = Verona(modules={"off": [name]})
    assert name not in server.loaded.contexts
    server.log_in("juliet").ask("<query xmlns='urn:example:q'/>", to="capulet.lit")


def test_following_touches_only_what_changed() -> None:
    trace: list[str] = []
    modules = [play(n, lambda context, n=n: trace.append(n)) for n in ("nurse", "friar", "page")]
    loaded = Loaded(Verona(available=()).host, modules)
    loaded.follow(["friar"])
    kept = loaded.contexts["nurse"]
    loaded.follow(["page"])
    assert trace == ["nurse", "page", "friar"]
    assert loaded.contexts["nurse"] is kept
    assert sorted(loaded.contexts) == ["friar", "nurse"]


def test_an_unknown_name_is_refused_before_anything_changes() -> None:
    server = Verona()
    before = state(server.host)
    with pytest.raises(ConfigError) as caught:
        server.loaded.follow(["ping", "tybalt", "mercutio"], "verona.toml")
    text = str(caught.value)
    assert text.startswith("verona.toml: modules.off: no module is called mercutio, tybalt. ")
    assert "ping" in text
    assert state(server.host) == before


def test_a_module_that_fails_half_way_leaves_nothing() -> None:
    server = Verona(available=())

    def register(context: ModuleContext) -> None:
        everything(context)
        raise RuntimeError("half way")

    before = state(server.host)
    loaded = Loaded(server.host, [play("tybalt", register)])
    with pytest.raises(ConfigError, match="tybalt can't be loaded: RuntimeError: half way"):
        loaded.follow(())
    assert loaded.contexts == {}
    assert state(server.host) == before


def test_a_following_that_fails_ends_where_it_began() -> None:
    server = Verona(available=())

    def register(context: ModuleContext) -> None:
        raise RuntimeError("half way")

    def claim(context: ModuleContext) -> None:
        context.nonza("urn:example:q q", print)

    modules = [play("friar", claim), play("nurse", everything), play("tybalt", register)]
    loaded = Loaded(server.host, modules)
    loaded.follow(["nurse", "tybalt"])
    with pytest.raises(ConfigError, match="tybalt"):
        loaded.follow(["friar"])
    assert list(loaded.contexts) == ["friar"]
    assert list(server.host.nonzas) == ["urn:example:q q"]


def test_a_claim_made_twice_names_both_modules() -> None:
    host = Verona(available=()).host

    def claim(context: ModuleContext) -> None:
        context.iq(On.HOST, "get", "urn:example:q q", lambda request: None)

    with pytest.raises(ConfigError) as caught:
        Loaded(host, [play("nurse", claim), play("friar", claim)]).follow((), "verona.toml")
    assert str(caught.value).startswith(
        "verona.toml: modules: friar can't be loaded: "
        "iq host get urn:example:q q has a responder already, the module nurse. "
    )


def test_one_undoing_that_fails_does_not_keep_the_others() -> None:
    server = Verona(available=())
    before = state(server.host)
    context = ModuleContext(server.host, "tybalt")
    everything(context)
    context._undo.insert(3, lambda: 1 / 0)
    context.undo()
    assert state(server.host) == before


def test_two_modules_may_stand_on_one_feature() -> None:
    host = Verona(available=()).host
    nurse, friar = ModuleContext(host, "nurse"), ModuleContext(host, "friar")
    nurse.advertise("urn:example:q")
    friar.advertise("urn:example:q")
    nurse.undo()
    assert host.advertised.features(On.HOST, DOMAIN) == ["urn:example:q"]
    friar.undo()
    assert host.advertised.features(On.HOST, DOMAIN) == []


@pytest.mark.parametrize("claim", ["nonza", "open_request"])
def test_an_element_has_one_responder(claim: str) -> None:
    host = Verona(available=()).host
    nurse, friar = ModuleContext(host, "nurse"), ModuleContext(host, "friar")
    getattr(nurse, claim)("urn:example:q q", print)
    with pytest.raises(ValueError, match="has a responder"):
        getattr(friar, claim)("urn:example:q q", print)
    friar.undo()
    before = state(host)
    with pytest.raises(ValueError, match="has a responder"):
        getattr(friar, claim)("urn:example:q q", print)
    assert state(host) == before


@pytest.mark.parametrize("failing", [lambda: 1 / 0, lambda: fail(RuntimeError("late"))])
def test_periodic_work_goes_on_after_a_failure(failing: Any) -> None:
    server = Verona(available=())
    done: list[float] = []
    context = ModuleContext(server.host, "nurse")

    def work() -> Any:
        done.append(server.clock.seconds())
        return failing()

    context.every(60, work)
    assert done == [], "not at once"
    for _ in range(3):
        server.clock.advance(60)
    assert len(done) == 3
    context.undo()
    server.clock.advance(600)
    assert len(done) == 3


def test_periodic_work_does_not_overlap_itself() -> None:
    server = Verona(available=())
    waiting: list[Deferred[None]] = []

    def work() -> Deferred[None]:
        waiting.append(Deferred())
        return waiting[-1]

    context = ModuleContext(server.host, "nurse")
    context.every(60, work)
    server.clock.advance(60)
    server.clock.advance(600)
    assert len(waiting) == 1
    waiting[0].callback(None)
    server.clock.advance(60)
    assert len(waiting) == 2
    context.undo()
