"""Floating-point operations of classical machine learning (domain ai.onnx.ml, https://onnx.ai/onnx/operators/)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from slicegraph.formats.counting import formulas
from slicegraph.formats.onnx import trees
from slicegraph.formats.onnx.elementary import Rule, given, made, per_output
from slicegraph.formats.onnx.nodes import Node

_AFTER: Final = {"LOGISTIC": 1, "PROBIT": 1, "SOFTMAX": formulas.NORMALISING, "SOFTMAX_ZERO": formulas.NORMALISING}
_AFTER_BY_NUMBER: Final = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")


def _ensemble(node: Node) -> int:
    """Go down the longest way of each tree for each sample, and add what stands at its end."""
    rows = _rows(node)
    return rows * (trees.total_depth(node) + trees.num_trees(node)) + _transform(node)


def _linear(node: Node) -> int:
    """Multiply each sample with all coefficients, and add an intercept to each score."""
    return _rows(node) * (2 * node.count("coefficients") + node.count("intercepts")) + _transform(node)


def _support_vectors(node: Node) -> int:
    """Compare each sample with each support vector by its kernel, and weigh the results."""
    elements, coefficients = node.count("support_vectors"), node.count("coefficients")
    width = max(1, given(node).dim(-1))
    per_element = 3 if node.text("kernel_type", "LINEAR") == "RBF" else 2
    each = per_element * elements + elements // width + 2 * coefficients if elements else 2 * coefficients
    return _rows(node) * (each + node.count("rho")) + _transform(node)


def _rows(node: Node) -> int:
    """Count the samples; one axis is one sample."""
    entered = given(node)
    return entered.numel // max(1, entered.dim(-1))


def _transform(node: Node) -> int:
    """Count what is done to scores at the end."""
    scores = made(node, len(node.outputs) - 1).numel
    named = node.text("post_transform", "NONE") or _numbered(node.integer("post_transform", 0))
    return _AFTER.get(named, 0) * scores


def _numbered(number: int) -> str:
    return _AFTER_BY_NUMBER[number] if 0 <= number < len(_AFTER_BY_NUMBER) else "NONE"


_MOVING: Final = "ArrayFeatureExtractor CastMap DictVectorizer FeatureVectorizer OneHotEncoder ZipMap"
_LOOKING_UP: Final = "Binarizer CategoryMapper Imputer LabelEncoder"
RULES: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(_MOVING.split(), per_output(0)),
    **dict.fromkeys(_LOOKING_UP.split(), per_output(1)),
    **dict.fromkeys(("LinearClassifier", "LinearRegressor"), _linear),
    **dict.fromkeys(("SVMClassifier", "SVMRegressor"), _support_vectors),
    **dict.fromkeys(("TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor"), _ensemble),
    "Normalizer": per_output(formulas.NORMALISING),
    "Scaler": per_output(2),
}
"""How to count each operator, without its domain."""
