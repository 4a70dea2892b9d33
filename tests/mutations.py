"""Every way to change one entry of a JSON document."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any


def mutations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every document that differs in one entry, with the path of the entry."""
    for path, keys, value in _places(document, "", ()):
        for other in _others(value):
            if repr(other) == repr(value):
                continue
            yield path, _replaced(document, keys, other)


def _replaced(value: Any, keys: tuple[str | int, ...], other: Any) -> Any:
    """A value in which only what is on the way to the replaced entry is copied."""
    if not keys:
        return other
    copied = copy.copy(value)
    copied[keys[0]] = _replaced(value[keys[0]], keys[1:], other)
    return copied


def _places(value: Any, path: str, keys: tuple[str | int, ...]) -> Iterator[tuple[str, tuple[str | int, ...], Any]]:
    yield path, keys, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _places(item, f"{path}.{key}", (*keys, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, f"{path}[{index}]", (*keys, index))


def _others(value: Any) -> list[Any]:  # noqa: PLR0911 - one case per type
    """Other values in place of one, by its type; for what holds others, one of them more or less."""
    match value:
        case bool():
            return [not value, int(value), None]
        case int():
            return [value + 1, value - 1, -value - 1, 123, float(value), str(value), None]
        case float():
            return [value * 2, -value - 1.0, int(value), None]
        case str():
            return [value + "x", value[:-1] + ("0" if value[-1:] != "0" else "1"), 0, None]
        case list():
            dropped = [value[:index] + value[index + 1 :] for index in range(len(value))]
            doubled = [[*value[: index + 1], *value[index:]] for index in range(len(value))]
            return [*dropped, *doubled, [*value, 0], None, {}]
        case dict():
            dropped_keys = [{key: item for key, item in value.items() if key != gone} for gone in value]
            return [*dropped_keys, value | {"extra": 0}, *([[]] if "format" in value else [None, []])]
        case _:
            return [0, 1, {}, [], ""]


def path_keys(path: str) -> list[str | int]:
    """The keys of a path such as ``.bounds[0].method``."""
    return [int(key) if key.isdigit() else key for key in re.findall(r"\w+", path)]
