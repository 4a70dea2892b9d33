"""Names for equations that stand in no scope: the modules whose parameters they read, by the paths of the arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any, Final

import jax

from slicegraph.formats.traced import Value

Path = tuple[str, ...]
"""Keys from the whole of the parameters to a module."""

_LOOPS: Final = re.compile(r"(?:(?:scan|while)\.\d+/\d+/?)*", re.ASCII)


def module_path(path: Sequence[Any]) -> Path:
    """Give the keys of the module that has a leaf: all but the last, and ``value``, which flax's nnx puts after it.

    Examples
    --------
    >>> import jax
    >>> (path, _), *_ = jax.tree_util.tree_leaves_with_path({"layers": [{"up": {"kernel": 1.0}}]})
    >>> module_path(path)
    ('layers', '0', 'up')
    """
    keys = [jax.tree_util.keystr((key,), simple=True) for key in path]
    if keys and isinstance(path[-1], jax.tree_util.GetAttrKey) and keys[-1] == "value":
        keys.pop()
    return tuple(keys[:-1])


class Modules:
    """Which module each value belongs to that is made of parameters alone.

    Parameters
    ----------
    given
        The module of each parameter.
    """

    def __init__(self, given: Mapping[Value, Path]) -> None:
        self._of: dict[Value, Path] = dict(given)

    def scope(self, path: str, inputs: Sequence[Value]) -> str:
        """Give the scope of an equation: the one that it has, or its loop's with the module of what it reads."""
        if _LOOPS.fullmatch(path) is None:
            return path
        return "/".join(filter(None, (path, *self._common(inputs))))

    def follow(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> None:
        """Say that an equation makes some values of others, all of which are parameters or numbers."""
        if any(value in self._of for value in inputs):
            self._of |= dict.fromkeys(outputs, self._common(inputs))

    def _common(self, inputs: Sequence[Value]) -> Path:
        paths = [self._of[value] for value in inputs if value in self._of]
        return tuple(keys[0] for keys in takewhile(_is_one, zip(*paths, strict=False)))


def _is_one(keys: tuple[str, ...]) -> bool:
    return len(set(keys)) == 1
