"""What the documents name is there: files, commands, configuration keys, scripts."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.common.config import Settings
from tests.support.guide import GUIDE, files
from xmppd.admin.xmppctl import COMMANDS
from xmppd.config import Config, keys, load
from xmppd.config.changes import NEEDS_RESTART
from xmppd.core.context import ModuleContext
from xmppd.errors import ConfigError

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGES.md", *(ROOT / "docs").rglob("*.md")])
OPERATING = ROOT / "docs" / "operating.md"
FOLDERS = r"xmppd|tests|etc|docs|benchmarks|twisted|components|\.ci"

CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
PATH = re.compile(rf"(?<![\w./-])(?:{FOLDERS})/[\w./*@-]*\w|(?<![\w./-])(?:{FOLDERS})/(?!\w)")
LINK = re.compile(r"\]\((?!https?:|xmpp:|mailto:|#)([^)#]+)")
COMMAND = re.compile(r"\bxmppctl(?: (?:-c|--config) \S+)? ([a-z][\w-]*)")
KEY = re.compile(r"\[(\w+)\] (\w+)")

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def code(document: Path) -> Iterator[str]:
    """What stands in code type, blocks and words."""
    return (found[0] for found in CODE.finditer(document.read_text(encoding="utf-8")))


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", read(name), re.DOTALL | re.MULTILINE)


def test_there_are_documents_that_name_things() -> None:
    everything = " ".join(text for document in DOCUMENTS for text in code(document))
    assert len(set(PATH.findall(everything))) > 30
    assert len(set(COMMAND.findall(everything))) > 8


@each_document
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    named = {path for text in code(document) for path in PATH.findall(text)}
    if document == GUIDE:
        named -= files().keys()  # which its reader writes
    there = (ROOT, document.parent)
    gone = [path for path in named if not any(any(at.glob(path.rstrip("/"))) for at in there)]
    assert sorted(gone) == []


@each_document
def test_every_link_to_a_file_leads_to_one(document: Path) -> None:
    links = LINK.findall(document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


@each_document
def test_every_command_of_xmppctl_that_a_document_names_exists(document: Path) -> None:
    named = {command for text in code(document) for command in COMMAND.findall(text)}
    assert named - COMMANDS.keys() == set()


@each_document
def test_every_key_that_a_document_names_exists(document: Path) -> None:
    for text in code(document):
        for table, key in KEY.findall(text):
            root = Config if table in Config.__struct_fields__ else Settings
            assert key in keys.of_table(root, table), f"[{table}] {key}"


def test_the_guide_for_operators_describes_every_command() -> None:
    named = {command for text in code(OPERATING) for command in COMMAND.findall(text)}
    assert named == COMMANDS.keys()


def test_the_guide_for_operators_lists_every_key_that_needs_a_restart() -> None:
    sentence = re.search(
        r"these keys, which need a restart: (.*?)\. ", OPERATING.read_text(encoding="utf-8")
    )
    assert sentence is not None
    assert set(re.findall(r"`([^`]+)`", sentence[1])) == NEEDS_RESTART


def test_the_module_that_the_architecture_shows_is_the_one_that_runs() -> None:
    assert read("xmppd/modules/ping.py") in blocks("docs/architecture.md", "python")


def test_the_architecture_names_what_a_module_may_call() -> None:
    sentence = re.search(r"is all it needs: (.*?)\.", read("docs/architecture.md"))
    assert sentence is not None
    offered = {name for name in vars(ModuleContext) if not name.startswith("_") and name != "undo"}
    assert set(re.findall(r"`([^`]+)`", sentence[1])) == offered


def test_the_configuration_that_the_readme_shows_is_one(tmp_path: Path) -> None:
    (shown,) = blocks("README.md", "toml")
    file = tmp_path / "my.toml"
    file.write_text(shown)
    assert list(load(file).server.domains) == tomllib.loads(shown)["server"]["domains"]
    file.write_text(shown.replace("domains", "domain"))
    with pytest.raises(ConfigError, match="Did you mean"):
        load(file)


def test_the_scripts_that_the_readme_names_can_be_run() -> None:
    """`sh etc/try.sh`; `.ci/run` is started as it is."""
    for script in re.findall(r"^sh (\S+)", read("README.md"), re.MULTILINE):
        assert (ROOT / script).read_text().startswith("#!/bin/sh\n"), script
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
