"""The browser of these tests, and its windows, which tell what goes wrong in their pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import packages
from tests.browser.core import load
from tests.browser.gateway import Gateway, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

VARIABLE = "XMPPD_TEST_BROWSER"
"""The environment variable by which these tests fail, not skip, where there is no browser."""
PATIENCE = 60_000.0
"""Milliseconds that a test waits for something in a page before it fails."""
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
"""Chromium has no sandbox under root, and little shared memory in a container. Pages find nothing
that is not on this machine, whatever they look for."""


def _absence() -> str:
    """What is not installed; "" if all is."""
    if shutil.which("chromium") is None:
        return "chromium is not installed (apt-get install chromium)"
    if find_spec("playwright") is None:
        return "playwright is not installed (pip install playwright)"
    return ""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One headless Chromium, Debian's, for all tests here.

    Playwright leaves its event loop running in this thread until it is stopped: tests that run
    one of their own come after that.
    """
    if absent := _absence():
        if os.environ.get(VARIABLE):
            pytest.fail(f"{absent}, and {VARIABLE} is set")
        pytest.skip(absent)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=ARGUMENTS
        )
        yield chromium
        chromium.close()


@pytest.fixture
def problems() -> Iterator[list[str]]:
    """What has gone wrong in the pages of this test: it fails if anything is here at its end.

    That is each error that nothing in a page caught, and each violation of its
    Content-Security-Policy. A test that wants one looks for it here, and takes it out.
    """
    found: list[str] = []
    yield found
    assert not found, "\n".join(found)


@pytest.fixture
def new_context(browser: Browser, problems: list[str]) -> Iterator[Callable[..., BrowserContext]]:
    """Makes a person's browser: `new_context(**options)`, as `Browser.new_context` has them.

    It shares no storage with others, and closes at the end of the test.
    """
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.on("weberror", lambda told: problems.append(f"uncaught: {told.error}"))
        context.on("console", lambda message: _note(message.text, problems))
        return context

    yield make
    for context in contexts:
        context.close()


def _note(text: str, problems: list[str]) -> None:
    if "Content Security Policy" in text:
        problems.append(text)


@pytest.fixture(scope="package")
def shared(browser: Browser) -> Iterator[BrowserContext]:
    """One person's browser for all tests that need but a page: it keeps files that it has had."""
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture
def new_page(new_context: Callable[..., BrowserContext]) -> Callable[..., Page]:
    """Makes a page of a person's own: `new_page(**options of its context)`."""

    def make(**options: Any) -> Page:
        return new_context(**options).new_page()

    return make


@pytest.fixture
def page(shared: BrowserContext, problems: list[str]) -> Iterator[Page]:
    """A page for a test that needs but one, and stores nothing."""
    page = shared.new_page()
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda error: problems.append(f"uncaught: {error}"))
    page.on("console", lambda message: _note(message.text, problems))
    yield page
    page.close()


@pytest.fixture(scope="package")
def elsewhere() -> Iterator[str]:
    """An origin that is not the gateway's, whose pages may use the gateway."""
    with packages.served() as url:
        yield url


@pytest.fixture(scope="package")
def origin(elsewhere: str) -> str:
    """The same, with clients of other makes there."""
    try:
        packages.install()
    except packages.NotInstalledError as error:
        pytest.skip(str(error))
    return elsewhere


@pytest.fixture(scope="package")
def gateway(tmp_path_factory: pytest.TempPathFactory, elsewhere: str) -> Iterator[Gateway]:
    """The server of all tests here; each has accounts of its own there."""
    with running(tmp_path_factory.mktemp("gateway"), elsewhere) as made:
        yield made


@pytest.fixture(scope="module")
def verona(browser: Browser) -> Iterator[Page]:
    """A blank page that the web client's core can be loaded in, one for a module."""
    context = browser.new_context()
    yield load(context.new_page())
    context.close()
