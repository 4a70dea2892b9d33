"""The examples in docstrings run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import slicegraph

MODULES = [module.name for module in pkgutil.walk_packages(slicegraph.__path__, "slicegraph.") if not module.ispkg]


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_show(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


CALLED = ["Certificate", "Device", "Graph", "Instance", "Stop"]
CALLED += ["audit", "check", "from_jax", "from_torch", "lower_bound", "profile", "read", "run_pipeline", "search"]
CALLED += ["slice_order", "solve", "split", "sweep", "verify_split"]


@pytest.mark.parametrize("name", CALLED)
def test_what_users_call_has_an_example(name: str) -> None:
    assert ">>> " in (getattr(slicegraph, name).__doc__ or "")
