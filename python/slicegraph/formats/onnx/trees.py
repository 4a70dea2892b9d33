"""Ensembles of trees, as ai.onnx.ml stores them in attributes: how deep they are."""

from __future__ import annotations

from collections.abc import Sequence

from slicegraph.formats.onnx.nodes import Node


def total_depth(node: Node) -> int:
    """Add up how many comparisons the longest way through each tree takes.

    Notes
    -----
    O(nodes).  What is no tree ends where it comes to a node again.
    """
    if node.proto.op_type == "TreeEnsemble":
        return _by_position(node)
    return _by_identity(node)


def num_trees(node: Node) -> int:
    """Count the trees."""
    if node.proto.op_type == "TreeEnsemble":
        return len(node.integers("tree_roots"))
    return len(set(node.integers("nodes_treeids")))


def _by_identity(node: Node) -> int:
    """Read trees whose nodes are known by tree and number: TreeEnsembleClassifier and TreeEnsembleRegressor."""
    trees, own, left, right = (
        node.integers(f"nodes_{name}") for name in ("treeids", "nodeids", "truenodeids", "falsenodeids")
    )
    modes = node.texts("nodes_modes")
    position = {key: index for index, key in enumerate(zip(trees, own, strict=False))}
    children: list[Sequence[int]] = []
    for index, key in enumerate(zip(trees, own, strict=False)):
        if index >= min(len(left), len(right), len(modes)) or modes[index] == "LEAF":
            children.append(())
            continue
        found = (position.get((key[0], child)) for child in (left[index], right[index]))
        children.append([child for child in found if child is not None])
    below = {child for row in children for child in row}
    return sum(_depth(root, children) for root in range(len(children)) if root not in below)


def _by_position(node: Node) -> int:
    """Read trees whose nodes are known by their position, leaves apart: TreeEnsemble."""
    left, right, is_left_leaf, is_right_leaf = (
        node.integers(f"nodes_{name}") for name in ("truenodeids", "falsenodeids", "trueleafs", "falseleafs")
    )
    rows = zip(left, right, is_left_leaf, is_right_leaf, strict=False)
    children: list[Sequence[int]] = [
        [child for child, is_leaf in ((first, a), (second, b)) if not is_leaf and 0 <= child < len(left)]
        for first, second, a, b in rows
    ]
    roots = [root for root in node.integers("tree_roots") if 0 <= root < len(children)]
    # A node stands even where both its sides are leaves: it compares once.
    return sum(1 + _depth(root, children) for root in roots)


def _depth(root: int, children: Sequence[Sequence[int]]) -> int:
    """Give the number of steps to the deepest node."""
    seen, front, depth = {root}, [root], 0
    while front := [child for parent in front for child in children[parent] if child not in seen]:
        seen.update(front)
        depth += 1
    return depth
