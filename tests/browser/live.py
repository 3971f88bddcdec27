"""The web client's core in a page of the gateway's, with nothing of what is seen of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

SET_UP = """async ([domain, transport]) => {
  const { Client } = await import("/js/xmpp/client.js");
  const addresses = { websocket: "/xmpp-websocket", bosh: "/http-bind" };
  const options = { domain, websocket: null, bosh: null, [transport]: addresses[transport] };
  const events = [];
  const client = new Client(options);
  const names = ["state", "contact", "subscription", "message", "receipt", "failed", "chatstate",
    "room", "occupant", "subject", "invitation", "avatar"];
  for (const name of names) client.on(name, (event) => events.push({ name, ...event }));
  const pause = () => new Promise((resolve) => setTimeout(resolve, 20));
  const until = async (found) => {
    for (const end = Date.now() + 60000; Date.now() < end; await pause()) {
      const value = found();
      if (value) return value;
    }
    throw new Error(`never: ${found}; ${events.map(({ name }) => name)}; ${client.state}`);
  };
  Object.assign(window, {
    client, events, until,
    heard: (name, fits = () => true) => until(() => events.find((e) => e.name === name && fits(e))),
    said: (body) => until(() => events.find((e) => e.message?.body === body)),
    refusal: async (act) => {
      try { await act(); } catch (error) { return error.condition; }
      return null;
    },
  });
}"""


class Person:
    """Someone with the client in a page, who acts in JavaScript.

    `client` is there, its `events` in a list, and `heard(name, fits)`, `said(body)`,
    `until(found)`, `refusal(act)` to wait for them.
    """

    def __init__(self, page: Page, web: str, transport: str, domain: str) -> None:
        self.page = page
        # A page of the gateway's origin on which nothing else runs.
        page.goto(f"{web}icon.svg")
        page.evaluate(SET_UP, [domain, transport])

    def __call__(self, expression: str, argument: Any = None) -> Any:
        return self.page.evaluate(f"async (a) => ({expression})", argument)

    def log_in(self, name: str, password: str) -> str:
        """Log in; the bare address."""
        self("client.login(...a)", [name, password])
        return str(self("client.jid.bare"))
