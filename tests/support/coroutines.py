"""Tests that are coroutines: each runs in an event loop of its own, for a minute at most.

A `conftest.py` takes them in by importing `pytest_pyfunc_call`.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

ONE_TEST = 60.0
"""Seconds that such a test may take."""


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: Any) -> bool | None:
    """Run a test that is a coroutine."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), ONE_TEST))
    return True
