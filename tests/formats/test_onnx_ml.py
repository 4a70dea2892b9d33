"""Operators of ai.onnx.ml: trees, linear models and support vectors, counted by walking them in plain Python."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from onnx_nodes import write_node
from slicegraph.formats.onnx import read

_few = settings(max_examples=30)
Tree = tuple[Any, Any] | None
"""Two sides, or a leaf."""
_trees: st.SearchStrategy[Tree] = st.recursive(st.none(), lambda side: st.tuples(side, side), max_leaves=12)


def _count(op: str, rows: int, columns: int, **attributes: Any) -> int:
    feeds = {"x": np.zeros((rows, columns), np.float32)}
    outputs = ["y", "z"] if op.endswith("Classifier") else ["y"]
    with TemporaryDirectory() as folder:
        graph = read(write_node(Path(folder) / "m.onnx", f"ai.onnx.ml:{op}", feeds, outputs=outputs, **attributes))
    assert graph.flops is not None
    assert graph.is_guess is not None
    assert not graph.is_guess.any()
    return int(graph.flops.sum())


def _depth(tree: Tree) -> int:
    return 0 if tree is None else 1 + max(map(_depth, tree))


def _listed(tree: Tree, number: int, rows: list[dict[str, Any]]) -> int:
    """List the nodes of a tree as ONNX does, and give the position of the first within the tree."""
    own = len([row for row in rows if row["treeids"] == number])
    row = {"treeids": number, "nodeids": own, "featureids": 0, "modes": "LEAF", "truenodeids": 0, "falsenodeids": 0}
    rows.append(row)
    if tree is not None:
        left, right = _listed(tree[0], number, rows), _listed(tree[1], number, rows)
        row.update(modes="BRANCH_LEQ", truenodeids=left, falsenodeids=right)
    return own


@_few
@given(st.lists(_trees, min_size=1, max_size=4), st.integers(1, 9))
def test_trees_count_the_longest_way_down_and_what_stands_there(trees: list[Tree], samples: int) -> None:
    """One comparison a step and one addition a tree, for each sample, whatever order their nodes are listed in."""
    rows: list[dict[str, Any]] = []
    for number, tree in enumerate(trees):
        _listed(tree, number, rows)
    rows.reverse()
    nodes = {f"nodes_{key}": [row[key] for row in rows] for key in rows[0]}
    leaves = [row for row in rows if row["modes"] == "LEAF"]
    targets = {
        "target_treeids": [row["treeids"] for row in leaves],
        "target_nodeids": [row["nodeids"] for row in leaves],
        "target_ids": [0] * len(leaves),
        "target_weights": [1.0] * len(leaves),
    }
    counted = _count(
        "TreeEnsembleRegressor", samples, 3, **nodes, **targets, nodes_values=[0.0] * len(rows), n_targets=1
    )
    assert counted == samples * sum(_depth(tree) + 1 for tree in trees)


def test_a_tree_that_never_ends_is_no_endless_loop() -> None:
    """Nodes that lead to each other are walked once."""
    nodes = {
        "nodes_treeids": [0, 0],
        "nodes_nodeids": [0, 1],
        "nodes_modes": ["BRANCH_LEQ", "BRANCH_LEQ"],
        "nodes_truenodeids": [1, 0],
        "nodes_falsenodeids": [1, 0],
        "nodes_featureids": [0, 0],
        "nodes_values": [0.0, 0.0],
    }
    assert _count("TreeEnsembleRegressor", 5, 3, **nodes, n_targets=1) == 5


@_few
@given(st.integers(1, 9), st.integers(1, 9), st.integers(2, 5))
def test_linear_models_count_their_products(samples: int, width: int, classes: int) -> None:
    """2 for each feature and class, 1 for an intercept; a softmax takes 5 for each score."""
    model: dict[str, Any] = {"coefficients": [1.0] * (width * classes), "intercepts": [0.0] * classes}
    labels = list(range(classes))
    each = samples * classes * (2 * width + 1)
    assert _count("LinearRegressor", samples, width, **model, targets=classes) == each
    assert _count("LinearClassifier", samples, width, **model, classlabels_ints=labels) == each
    after = _count("LinearClassifier", samples, width, **model, classlabels_ints=labels, post_transform="SOFTMAX")
    assert after == each + 5 * samples * classes


@_few
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5))
def test_support_vectors_count_their_kernels(samples: int, width: int, vectors: int) -> None:
    """A distance takes 3 for each feature, a product 2; then the kernel's function, and the weighted sum."""
    model: dict[str, Any] = {
        "support_vectors": [1.0] * (vectors * width),
        "coefficients": [1.0] * vectors,
        "rho": [0.0],
        "n_supports": vectors,
        "kernel_params": [1.0, 0.0, 2.0],
    }
    for kernel, per_feature in (("RBF", 3), ("POLY", 2)):
        one = vectors * (per_feature * width + 1 + 2) + 1
        assert _count("SVMRegressor", samples, width, **model, kernel_type=kernel) == samples * one
