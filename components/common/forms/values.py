"""Fields with their values: what a form shows, and what is read of one that was submitted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from components.common.forms.field import Field, Filled

T = TypeVar("T")
D = TypeVar("D")


class Values:
    """Fields with their values, each of the type of its field; equal to others with the same.

    ``config | submitted`` has the fields of both, with the submitted values where there are any.
    """

    __slots__ = ("_filled",)

    def __init__(self, filled: Iterable[Filled[Any]] = ()) -> None:
        self._filled = {each.field.var: each for each in filled}

    def __getitem__(self, field: Field[T]) -> T:
        value: T = self._filled[field.var].value
        return value

    def get(self, field: Field[T], default: D) -> T | D:
        """The value of a field, or `default` where it is not among them."""
        filled = self._filled.get(field.var)
        return default if filled is None else filled.value

    def __contains__(self, field: Field[Any]) -> bool:
        return field.var in self._filled

    def __iter__(self) -> Iterator[Filled[Any]]:
        return iter(self._filled.values())

    def __len__(self) -> int:
        return len(self._filled)

    def __or__(self, other: Values) -> Values:
        return Values((*self, *other))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Values) and self._by_var() == other._by_var()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        # Never the values: passwords are among them.
        return f"<Values of {', '.join(self._filled)}>"

    def _by_var(self) -> Mapping[str, Any]:
        return {var: each.value for var, each in self._filled.items()}
