"""Reading a TOML file into Structs; every fault is one `ConfigError`.

That names the file, the line where it can be found, the key, the problem and the remedy. What
the Structs can't say is for whoever knows what they mean: see `load.py`.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from xmppd.config import keys
from xmppd.config.keys import Key
from xmppd.config.wanted import wanted
from xmppd.errors import ConfigError

T = TypeVar("T", bound=msgspec.Struct)


def read(path: Path, root: type[T]) -> tuple[T, str]:
    """What the file says, as a `root` of tables, and its text. Raises ConfigError."""
    text = _text(path)
    file = _File(path, text, _parse(path, text), root)
    file.refuse_unknown()
    return file.converted(), text


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise ConfigError(
            str(path), "", "no such file", "Name an existing file with --config"
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            str(path), "", f"not UTF-8 at octet {error.start}", "Save the file as UTF-8"
        ) from None
    except IsADirectoryError:
        raise ConfigError(
            str(path), "", "a directory", "Name the file in it, such as xmppd.toml"
        ) from None
    except OSError as error:
        problem = f"can't be read by user {os.geteuid()} ({error.strerror})"
        raise ConfigError(str(path), "", problem, "Make it a file that user can read") from None


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = _TUPLE.sub(_dotted, str(error))
        line = re.search(r"\(at line (\d+)", message)
        source = f"{path}:{line[1] if line else len(text.splitlines())}"
        remedy = "Correct the TOML syntax (see https://toml.io)"
        raise ConfigError(source, "", message, remedy) from None


_TUPLE = re.compile(r"\((?:'[^']*',? ?)+\)")
"""How tomllib writes the name of a table: as Python does a tuple."""


def _dotted(found: re.Match[str]) -> str:
    names = re.findall("'([^']*)'", found[0])
    return f"[{'.'.join(names)}]"


PLAIN_WORDS = (
    ("Invalid enum value", "unknown value"),
    ("Expected", "expected"),
    ("Object missing required field", "there is no"),
    ("`", ""),
    ("array", "list"),
    ("object", "table"),
    ("str", "string"),
    ("bool |", "boolean or"),
    ("int", "integer"),
)
"""Words of msgspec's messages, and those of TOML for the same."""


class _File(Generic[T]):
    """A file that was read, and what it is to be."""

    def __init__(self, path: Path, text: str, raw: dict[str, Any], root: type[T]) -> None:
        self._path = path
        self._text = text
        self._raw = raw
        self._root = root

    def refuse_unknown(self) -> None:
        """Raise ConfigError for a table or key that is none."""
        root, tables = self._root, self._root.__struct_fields__
        for table, content in self._raw.items():
            if table not in tables:
                raise self._unknown((table,), tables)
            if isinstance(content, dict) and keys.are_named(root, table):
                for name, named in content.items():
                    self._look_through((table, name), named)
            else:
                self._look_through((table,), content)

    def _look_through(self, table: Key, content: Any) -> None:
        self._look_into(table, content, keys.struct_of(self._root, table[0]))

    def _look_into(self, table: Key, content: Any, struct: type[msgspec.Struct]) -> None:
        known = struct.__struct_fields__
        for key, value in content.items() if isinstance(content, dict) else ():
            if key not in known:
                raise self._unknown((*table, key), known)
            inner = keys.struct_in(struct, key)
            if inner is not None:
                self._look_into((*table, key), value, inner)
            named = keys.structs_in(struct, key)
            if named is not None and isinstance(value, dict):
                for name, each in value.items():
                    self._look_into((*table, key, name), each, named)

    def _unknown(self, key: Key, known: tuple[str, ...]) -> ConfigError:
        *table, name = key
        prefix = f"[{keys.written(tuple(table))}] " if table else ""
        root = self._root
        elsewhere = [each for each in root.__struct_fields__ if name in keys.of_table(root, each)]
        if close := difflib.get_close_matches(name, known, 1):
            remedy = f"Did you mean {prefix}{close[0]}?"
        elif quoted := self._quoted(key):
            remedy = f"Write the name in quotes: [{keys.written(quoted)}]"
        elif elsewhere:
            remedy = f"It belongs in [{elsewhere[0]}]"
        else:
            remedy = f"Known here: {', '.join(known)}"
        return self._fault(key, f"unknown {'key' if table else 'table'}", remedy)

    def _quoted(self, key: Key) -> Key:
        """What an operator means by [components.chat.example.org], which TOML takes for tables in
        tables; () for a key that is no such thing.
        """
        table, *parts = key
        if len(parts) != 2 or "." in parts[0] or not keys.are_named(self._root, table):
            return ()
        content = self._raw[table][parts[0]][parts[1]]
        if not isinstance(content, dict):
            return ()
        known = keys.of_table(self._root, table)
        while content and not any(each in known for each in content):
            part, content = next(iter(content.items()))
            if not isinstance(content, dict):
                return ()
            parts.append(part)
        return table, ".".join(parts)

    def converted(self) -> T:
        """The file as Structs; raises ConfigError for what has the wrong type."""
        try:
            return msgspec.convert(self._raw, self._root)
        except msgspec.ValidationError as error:
            raise self._wrong_type(*_told(error)) from None

    def _wrong_type(self, key: Key, problem: str) -> ConfigError:
        if key and keys.are_named(self._root, key[0]):
            key, problem = self._within(key[0], problem)
        elif len(key) == 2:
            key, problem = self._below(key[0], key[1], problem)
        for theirs, ours in PLAIN_WORDS:
            problem = problem.replace(theirs, ours)
        return self._fault(key, problem, wanted(self._root, key))

    def _within(self, table: str, problem: str) -> tuple[Key, str]:
        """Which of the tables below `table` is at fault; msgspec does not tell their names."""
        content = self._raw[table]
        for name, named in content.items() if isinstance(content, dict) else ():
            try:
                msgspec.convert(named, keys.struct_of(self._root, table))
            except msgspec.ValidationError as error:
                key, problem = _told(error)
                return (table, name, *key), problem
        return (table,), problem

    def _below(self, table: str, key: str, problem: str) -> tuple[Key, str]:
        """The same where names of the operator's stand in a table of a table, as in s2s.routes."""
        content = self._raw[table].get(key)
        named_there = keys.are_named(keys.struct_of(self._root, table), key)
        for name, named in content.items() if named_there and isinstance(content, dict) else ():
            alone = {**self._raw[table], key: {name: named}}
            try:
                msgspec.convert(alone, keys.struct_of(self._root, table))
            except msgspec.ValidationError as error:
                inner, problem = _told(error, "[...]")
                return (table, key, name, *inner), problem
        return (table, key), problem

    def _fault(self, key: Key, problem: str, remedy: str) -> ConfigError:
        where = keys.where(str(self._path), self._text, key)
        return ConfigError(where, keys.written(key), problem, remedy)


def _told(error: msgspec.ValidationError, behind: str = "") -> tuple[Key, str]:
    """The key of msgspec's `Expected … - at `$.table.key[0]``, and the problem.

    `behind` says after what in the place it begins.
    """
    problem, _, place = str(error).partition(" - at `$")
    place = place.partition(behind)[2] if behind else place
    key = tuple(re.findall(r"\w+", place.partition("[")[0]))
    missing = re.search(r"missing required field `(\w+)`", problem)
    return (*key, missing[1]) if missing else key, problem
