"""wokkel 18 on the Twisted of today: imported before it, by whoever imports it.

wokkel is of 2018. What it imports and is no more was moved: the constants to a package of their
own, `constantly`. What is deprecated still works, and says so at each import.
"""

from __future__ import annotations

import sys
import warnings

import constantly
from twisted.python import compat

MOVED = {"twisted.python.constants": constantly}
"""Modules that wokkel imports under an old name."""

GONE = {
    "_PY3": True,
    "unicode": str,
    "StringType": str,
    "iteritems": lambda mapping: iter(mapping.items()),
    "itervalues": lambda mapping: iter(mapping.values()),
}
"""What wokkel takes from `twisted.python.compat`, which warns at each use, or has it no more."""


def install() -> None:
    """Make wokkel importable; done as this module is imported."""
    for name, module in MOVED.items():
        sys.modules.setdefault(name, module)
    for name, value in GONE.items():
        setattr(compat, name, value)


install()
warnings.filterwarnings("ignore", r"twisted\.python\.compat\.", DeprecationWarning, r"wokkel\.")
