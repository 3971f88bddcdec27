"""The blocks of docs/writing-a-component.md, as tests run them."""

from __future__ import annotations

import re
from typing import Any

from tests.support.process import ROOT

GUIDE = ROOT / "docs" / "writing-a-component.md"

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_NAMED = re.compile(
    r"`([\w/.]+)`[^`\n]*:\n\n```(?:python|toml)\n(.*?)^```", re.DOTALL | re.MULTILINE
)


def blocks(language: str) -> list[str]:
    """All blocks of a language."""
    found = _BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    return [text for said, text in found if said == language]


def files() -> dict[str, str]:
    """What it has its reader write, by file name: a block whose paragraph names the file."""
    return dict(_NAMED.findall(GUIDE.read_text(encoding="utf-8")))


def function(name: str) -> Any:
    """A function that some block of Python defines."""
    (text,) = [
        text for text in blocks("python") if re.search(rf"^(async )?def {name}\(", text, re.M)
    ]
    namespace: dict[str, Any] = {}
    exec(compile(text, f"{GUIDE.name}: {name}", "exec"), namespace)
    return namespace[name]
