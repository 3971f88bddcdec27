"""slixmpp, an independent client library, as the tests of the running server use it.

    async with Client("juliet@capulet.lit/balcony", PASSWORD, server) as juliet:
        juliet.send_message("romeo@capulet.lit", "Art thou not Romeo?")

Entering it logs in, or raises `LoginFailed`; leaving it ends the stream. Whatever is waited for
comes within `PATIENCE` seconds or fails the test.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import slixmpp
from slixmpp.util.sasl.client import MECHANISMS

from tests.support.peers import PATIENCE

T = TypeVar("T")


class Reachable(Protocol):
    """What a client must know of a server: its ports, and who vouches for its certificates."""

    c2s: int
    c2s_tls: int
    authority: Path


class LoginFailed(Exception):
    """There is no session; says why."""


async def soon(awaitable: Awaitable[T]) -> T:
    """The outcome of `awaitable`, within `PATIENCE`."""
    return await asyncio.wait_for(awaitable, PATIENCE)


class Client(slixmpp.ClientXMPP):
    """One client of the server.

    `mechanism` is the SASL mechanism to use, slixmpp's choice if empty; `tls` how to secure the
    connection: "starttls", "direct" (XEP-0368) or "none"; `certificate` a PEM file with a
    client certificate and its key.
    """

    def __init__(
        self,
        jid: str,
        password: str,
        server: Reachable,
        *,
        mechanism: str = "",
        tls: str = "starttls",
        tls_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
        certificate: Path | None = None,
        plugins: tuple[str, ...] = (),
    ) -> None:
        super().__init__(jid, password, sasl_mech=mechanism)
        self._server = server
        self.ssl_context = ssl.create_default_context(cafile=str(server.authority))
        self.ssl_context.maximum_version = tls_version
        if certificate is not None:
            self.ssl_context.load_cert_chain(certificate)
        if tls == "direct":
            self.ssl_context.set_alpn_protocols(["xmpp-client"])
        self.enable_direct_tls = tls == "direct"
        self.enable_starttls = tls == "starttls"
        self.enable_plaintext = tls == "none"
        if tls == "none":
            self.plugin["feature_mechanisms"].unencrypted_scram = True
            self.plugin.disable("feature_starttls")
        for plugin in plugins:
            self.register_plugin(plugin)
        self.messages: asyncio.Queue[Any] = asyncio.Queue()
        self.refusals: list[str] = []
        """The SASL conditions that the server has answered with."""
        self.stream_errors: asyncio.Queue[str] = asyncio.Queue()
        self._outcome: asyncio.Future[str] = self.loop.create_future()
        self.gone: asyncio.Future[None] = self.loop.create_future()
        """Done when the connection has ended."""
        self._listen()

    def _listen(self) -> None:
        self.add_event_handler("message", self.messages.put_nowait)
        self.add_event_handler("session_start", lambda _: self._ended(""))
        self.add_event_handler("failed_auth", lambda e: self.refusals.append(e["condition"]))
        self.add_event_handler("failed_all_auth", lambda _: self._ended("no mechanism is left"))
        self.add_event_handler("connection_failed", lambda e: self._ended(str(e)))
        self.add_event_handler("stream_error", lambda e: self._on_stream_error(e["condition"]))
        self.add_event_handler("disconnected", self._on_disconnected)

    async def __aenter__(self) -> Client:
        self.connect("127.0.0.1", self._server.c2s_tls if self.enable_direct_tls else self.port)
        try:
            problem = await soon(self._outcome)
            if problem:
                raise LoginFailed(problem, *self.refusals)
        except BaseException:
            await self.leave()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.leave()

    @property
    def port(self) -> int:
        return self._server.c2s

    async def leave(self) -> None:
        """End the stream, and wait until it has."""
        if self.is_connected():
            self.disconnect()
            await soon(self.gone)
        self.cancel_connection_attempt()
        if self._run_out_filters is not None:
            self._run_out_filters.cancel()

    def say(self, to: str, body: str) -> None:
        """Send a chat message."""
        self.send_message(mto=to, mbody=body, mtype="chat")

    async def hears(self, body: str) -> str:
        """Wait for a message; who sent it, where its body is `body`."""
        message = await soon(self.messages.get())
        assert message["body"] == body
        return str(message["from"])

    @property
    def mechanism(self) -> str:
        """The SASL mechanism used last."""
        return str(self.plugin["feature_mechanisms"].mech.name)

    def _ended(self, problem: str) -> None:
        if not self._outcome.done():
            self._outcome.set_result(problem)

    def _on_stream_error(self, condition: str) -> None:
        self.stream_errors.put_nowait(condition)
        self._ended(condition)

    def _on_disconnected(self, reason: object) -> None:
        self._ended(f"disconnected: {reason}")
        if not self.gone.done():
            self.gone.set_result(None)


class BoundScram:
    """slixmpp's SCRAM, bound to a channel of TLS that slixmpp itself can't reach."""

    def __init__(self, mechanism: str, name: str, password: str, kind: str, binding: bytes) -> None:
        self.mechanism = mechanism
        credentials = {
            "username": name.encode(),
            "password": password.encode(),
            "authzid": b"",
            "channel_binding": binding,
        }
        security = {"encrypted": True, "tls_version": "TLSv1.3", "binding_proposed": True}
        self._mech: Any = MECHANISMS[mechanism](mechanism, credentials, security)
        self._kind = kind

    def first(self) -> bytes:
        self._mech.process()
        self._mech.gs2_header = f"p={self._kind},,".encode()
        return bytes(self._mech.gs2_header + self._mech.client_first_message_bare)

    def respond(self, challenge: bytes) -> bytes:
        return bytes(self._mech.process(challenge))

    def check(self, verifier: bytes) -> None:
        self._mech.process(verifier)
