"""`twistd xmppd-NAME`: what it refuses at the start, and with `--check` as well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.bosh.tap import PROGRAM as BOSH
from components.common.tap import Program
from components.muc.tap import PROGRAM as MUC
from components.pubsub.tap import PROGRAM as PUBSUB
from components.vcard.tap import PROGRAM as VCARD
from tests.support.logs import logged

LEAST = """\
[component]
domain = "x.example.org"
secret = "x"
"""


def ended(directory: Path, program: Program[Any], text: str) -> str | int | None:
    """What the process ends with that is to check a file."""
    path = directory / "x.toml"
    path.write_text(LEAST + text)
    options = program.options()
    options.parseOptions(["--check", "-c", str(path)])
    with pytest.raises(SystemExit) as caught:
        program.make_service(options)
    return caught.value.code


@pytest.mark.parametrize("program", [BOSH, MUC, PUBSUB, VCARD], ids=lambda each: each.name)
def test_a_file_that_it_would_start_with_is_let_be(tmp_path: Path, program: Program[Any]) -> None:
    assert ended(tmp_path, program, "") == 0


@pytest.mark.parametrize(
    ("program", "text", "told"),
    [
        (VCARD, '[core]\nendpoint = "tlz:example.org:5348"', ":5: core.endpoint: "),
        (VCARD, '[store]\nurl = "mysql:x"', ": [store] url: not the url of a store. Write"),
        (MUC, '[muc]\nadmins = ["@"]', ":5: muc.admins: "),
        (MUC, '[muc.defaults]\nquestion = "What?"', ": muc.defaults.question: "),
        (PUBSUB, '[pubsub]\nadmins = ["example.org"]', ":5: pubsub.admins: "),
        (BOSH, "[bosh]\nlisten = []", ":5: bosh.listen: is empty. Name"),
    ],
)
def test_what_would_end_it_at_the_start_is_told_before(
    tmp_path: Path, program: Program[Any], text: str, told: str
) -> None:
    line = str(ended(tmp_path, program, text))
    assert line.startswith(f"xmppd-{program.name}: {tmp_path / 'x.toml'}")
    assert told in line and "\n" not in line


def test_a_reload_refuses_what_a_start_would(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(LEAST)
    options = MUC.options()
    options.parseOptions(["-c", str(path)])
    process = MUC.make_service(options)
    path.write_text(f'{LEAST}[core]\nendpoint = "tlz:x"')
    with logged("error") as lines:
        process._hung_up()  # type: ignore[attr-defined]
    assert "core.endpoint: " in lines[0]


def test_who_stores_nothing_has_no_store_to_be_wrong(tmp_path: Path) -> None:
    assert ended(tmp_path, BOSH, '[store]\nurl = "mysql:x"') == 0
