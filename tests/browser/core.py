"""The web client's own core in a blank page: its modules, and no server behind them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page, Route

ORIGIN = "http://localhost"
"""A page of this machine's: browsers give WebCrypto to such pages and to those by https only."""
WEB = Path(__file__).parents[2] / "components" / "bosh" / "web"
PAGES = Path(__file__).parent / "pages"


def load(page: Page, origin: str = ORIGIN) -> Page:
    """Open a blank page that may import `/js/...`, and the tests' own `/pages/...`."""
    page.route(f"{origin}/**", _serve)
    page.goto(f"{origin}/")
    return page


def _serve(route: Route) -> None:
    path = urlsplit(route.request.url).path
    if path == "/":
        route.fulfill(body="<!DOCTYPE html><title>Verona</title>", content_type="text/html")
        return
    root, name = (
        (PAGES, path.removeprefix("/pages/")) if path.startswith("/pages/") else (WEB, path[1:])
    )
    file = root / name
    if file.is_file():
        route.fulfill(body=file.read_text(), content_type="text/javascript")
    else:
        route.fulfill(status=404)


def call(page: Page, module: str, expression: str, argument: Any = None) -> Any:
    """Evaluate an expression over a module's exports, `m`, and an argument, `a`.

    A ClientError comes back as {"condition": ...}.
    """
    return page.evaluate(
        """async ([module, expression, argument]) => {
          const m = await import(module);
          const names = ["m", "a", `return (async () => (${expression}))()`];
          try {
            return await new Function(...names)(m, argument);
          } catch (error) {
            if (error.name !== "ClientError") throw error;
            return { condition: error.condition };
          }
        }""",
        [f"/js/xmpp/{module}", expression, argument],
    )


def player(page: Page, *settings: Any) -> Callable[..., Any]:
    """Runs JavaScript on a fresh stage, `s`, with a client, `c`; it returns what that returns."""

    def play(script: str, argument: Any = None) -> Any:
        return page.evaluate(
            """async ([settings, script, a]) => {
              const { stage } = await import("/pages/stage.js");
              const s = await stage(...settings);
              const run = new Function("s", "c", "a", `return (async () => { ${script} })()`);
              return run(s, s.client, a);
            }""",
            [settings, script, argument],
        )

    return play
