"""Reading the configuration: from a TOML file, or the built-in one of a server on localhost.

Every fault is one `ConfigError` that names the file, the line where it can be found, the key,
the problem and the remedy.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from xmppd.config.schema import Config, Listen, Registration
from xmppd.config.values import Fault, checked
from xmppd.config.wanted import wanted
from xmppd.errors import ConfigError

BUILT_IN = "built-in configuration"
"""What stands for the file's name in errors when there is no file."""


def load(path: Path | None) -> Config:
    """Read and check the configuration; None gives that of a server on localhost only.

    Relative paths are taken from the file's directory (from the current one without a file),
    the store's from `[server] data`; in the result all are absolute. Raises `ConfigError`.
    """
    if path is None:
        return _finish(_built_in(), BUILT_IN, "", Path.cwd())
    text = _read(path)
    raw = _parse(path, text)
    _refuse_unknown(path, text, raw)
    try:
        config = msgspec.convert(raw, Config)
    except msgspec.ValidationError as error:
        raise _wrong_type(path, text, str(error)) from None
    return _finish(config, str(path), text, path.absolute().parent)


def _built_in() -> Config:
    """Without a file nobody has decided to face the network: loopback, and nothing else."""
    return Config(
        listen=Listen(
            c2s=("tcp:5222:interface=127.0.0.1",), c2s_tls=("tcp:5223:interface=127.0.0.1",)
        ),
        registration=Registration(policy="loopback"),
    )


def _finish(config: Config, source: str, text: str, base: Path) -> Config:
    try:
        return checked(config, base)
    except Fault as fault:
        where = _where(source, text, fault.key)
        raise ConfigError(where, fault.key, fault.problem, fault.remedy) from None


def _read(path: Path) -> str:
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


def _refuse_unknown(path: Path, text: str, raw: dict[str, Any]) -> None:
    for table, content in raw.items():
        if table not in Config.__struct_fields__:
            raise _unknown(path, text, table, "", Config.__struct_fields__)
        keys = _keys(table)
        for key in content if isinstance(content, dict) else ():
            if key not in keys:
                raise _unknown(path, text, f"{table}.{key}", f"[{table}] ", keys)


def _keys(table: str) -> tuple[str, ...]:
    fields: tuple[str, ...] = getattr(Config(), table).__struct_fields__
    return fields


def _unknown(
    path: Path, text: str, dotted: str, prefix: str, known: tuple[str, ...]
) -> ConfigError:
    name = dotted.split(".", 1)[-1]
    what = "key" if prefix else "table"
    elsewhere = [table for table in Config.__struct_fields__ if name in _keys(table)]
    if close := difflib.get_close_matches(name, known, 1):
        remedy = f"Did you mean {prefix}{close[0]}?"
    elif elsewhere:
        remedy = f"It belongs in [{elsewhere[0]}]"
    else:
        remedy = f"Known here: {', '.join(known)}"
    return ConfigError(_where(str(path), text, dotted), dotted, f"unknown {what}", remedy)


PLAIN_WORDS = (
    ("Invalid enum value", "unknown value"),
    ("Expected", "expected"),
    ("`", ""),
    ("array", "list"),
    ("object", "table"),
    ("str", "string"),
    ("bool |", "boolean or"),
    ("int", "integer"),
)
"""Words of msgspec's messages, and those of TOML for the same."""


def _wrong_type(path: Path, text: str, message: str) -> ConfigError:
    """Turn msgspec's `Expected … - at `$.table.key[0]`` into the error of that key."""
    problem, _, place = message.partition(" - at `$.")
    found = re.match(r"(\w+)(?:\.(\w+))?", place)
    table, key = (found[1], found[2]) if found else ("", None)
    dotted = f"{table}.{key}" if key else table
    for theirs, ours in PLAIN_WORDS:
        problem = problem.replace(theirs, ours)
    return ConfigError(_where(str(path), text, dotted), dotted, problem, wanted(dotted))


def _where(source: str, text: str, dotted: str) -> str:
    """Add the line on which a key stands, where a plain look through the text finds it."""
    table, _, key = dotted.partition(".")
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\s*([\w.-]+)\s*\]", line):
            current = header[1]
            if current == dotted:
                return f"{source}:{number}"
        elif assigned := re.match(r"\s*([\w.-]+)\s*=", line):
            name = f"{current}.{assigned[1]}" if current else assigned[1]
            if name == (f"{table}.{key}" if key else table):
                return f"{source}:{number}"
    return source
