"""Which arguments of a module are parameters: it does not say, so names do."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from slicegraph.errors import InputError
from slicegraph.formats.stablehlo.locations import name_of

_log = logging.getLogger(__name__)
_ROOT: Final = re.compile(r"[^\[.]*")
_KEY: Final = re.compile(r"""\[['"]?([^\]'"]*)['"]?\]|\.([^\[.]+)""")
_MOST_NAMED: Final = 3


def argument_names(function: Any) -> list[str]:  # noqa: ANN401 - MLIR's bindings have types of their own
    """Name the arguments as the module does, else arg0, arg1."""
    arguments = function.regions[0].blocks[0].arguments
    return [name_of(argument.location) or f"arg{index}" for index, argument in enumerate(arguments)]


def parameters_of(path: Path, names: Sequence[str], patterns: Sequence[str] | None) -> frozenset[int]:
    """Say which arguments are parameters: those that are called so, or that a pattern fits.

    Without patterns it is a guess, by the names that JAX gives: all leaves of the first argument, if it has leaves, as
    ``params['w']`` and ``model.up.kernel`` are; else none.

    Raises
    ------
    InputError
        A pattern fits none.
    """
    if patterns is None:
        found = _leaves_of_first(names)
        told = _listed([names[index] for index in sorted(found)]) if found else "none of the arguments"
        _log.warning("%s: a guess by names: %s taken for parameters; params=, --params says which are", path, told)
        return found
    for pattern in patterns:
        if not any(_fits(name, pattern) for name in names):
            raise InputError(f"params: no argument is called {pattern!r:.80}, or fits it; there are {_listed(names)}")
    return frozenset(index for index, name in enumerate(names) if any(_fits(name, each) for each in patterns))


def module_path(name: str) -> tuple[str, ...]:
    """Give the keys of the module that has a leaf: all but the last, and ``value``, which flax's nnx puts after it.

    Examples
    --------
    >>> module_path("params['layers'][0].up.kernel.value")
    ('layers', '0', 'up')
    """
    keys = [quoted or attribute for quoted, attribute in _KEY.findall(name)]
    if name.endswith(".value"):
        keys.pop()
    return tuple(keys[:-1])


def _leaves_of_first(names: Sequence[str]) -> frozenset[int]:
    roots = [_root(name) for name in names]
    if not names or names[0] == roots[0] or not roots[0]:
        return frozenset()
    return frozenset(index for index, root in enumerate(roots) if root == roots[0])


def _root(name: str) -> str:
    found = _ROOT.match(name)
    return found[0] if found else ""


def _fits(name: str, pattern: str) -> bool:
    # Names hold brackets, which a pattern takes for a set of characters.
    return name == pattern or fnmatchcase(name, pattern) or fnmatchcase(name, pattern.replace("[", "[[]"))


def _listed(names: Sequence[str]) -> str:
    told = ", ".join(names[:_MOST_NAMED])
    return told if len(names) <= _MOST_NAMED else f"{told} and {len(names) - _MOST_NAMED} more"
