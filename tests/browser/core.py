"""The web client's own core in a blank page: its modules, and no server behind them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

ORIGIN = "http://localhost"
"""A page of this machine's: browsers give WebCrypto to such pages and to those by https only."""
WEB = Path(__file__).parents[2] / "components" / "bosh" / "web"
PAGES = Path(__file__).parent / "pages"


def load(page: Page) -> Page:
    """Open a blank page that may import `/js/...`, and the tests' own `/pages/...`."""
    page.route(f"{ORIGIN}/**", _serve)
    page.goto(f"{ORIGIN}/")
    return page


def _serve(route: Route) -> None:
    path = route.request.url.removeprefix(ORIGIN)
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
