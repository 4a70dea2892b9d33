"""Shapes of ai.onnx.ml: what onnxruntime makes is what the reader says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import defs

from onnx_nodes import RNG, NodeCase, assert_made_as_read, floats, write_node
from slicegraph.formats.onnx import read, shapes

_ML = "ai.onnx.ml:"
_TREE: dict[str, Any] = {
    "nodes_treeids": [0, 0, 0],
    "nodes_nodeids": [0, 1, 2],
    "nodes_featureids": [0, 0, 0],
    "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
    "nodes_values": [0.0, 0.0, 0.0],
    "nodes_truenodeids": [1, 0, 0],
    "nodes_falsenodeids": [2, 0, 0],
}
_VECTORS: dict[str, Any] = {
    "kernel_type": "RBF",
    "kernel_params": [0.5, 0.0, 3.0],
    "support_vectors": [float(index) for index in range(16)],
    "classlabels_ints": [0, 1, 2, 3],
    "coefficients": [1.0] * 12,
    "vectors_per_class": [1, 1, 1, 1],
    "rho": [0.1] * 6,
}
_X = {"x": floats(5, 4)}
CASES: list[NodeCase] = [
    (_ML + "Scaler", _X, {"scale": [1.0], "offset": [0.0]}),
    (_ML + "Normalizer", {"x": floats(4)}, {"norm": "L2"}),
    (_ML + "Normalizer", {"x": RNG.integers(0, 9, (3, 2))}, {"norm": "MAX"}),
    (_ML + "Binarizer", _X, {"threshold": 0.0}),
    (_ML + "Imputer", _X, {"imputed_value_floats": [0.0], "replaced_value_float": 1.0}),
    (_ML + "LinearRegressor", _X, {"coefficients": [1.0] * 8, "targets": 2}),
    (_ML + "LinearClassifier", _X, {"coefficients": [1.0] * 4, "intercepts": [0.0], "classlabels_ints": [0, 1]}),
    (
        _ML + "LinearClassifier",
        {"x": floats(4)},
        {"coefficients": [1.0] * 12, "intercepts": [0.0] * 3, "classlabels_strings": ["a", "b", "c"]},
    ),
    (_ML + "SVMClassifier", _X, _VECTORS),
    (_ML + "SVMClassifier", _X, {**_VECTORS, "prob_a": [0.1] * 6, "prob_b": [0.2] * 6}),
    (
        _ML + "SVMRegressor",
        _X,
        {
            "kernel_type": "LINEAR",
            "kernel_params": [0.5, 0.0, 3.0],
            "coefficients": [1.0],
            "support_vectors": [1.0] * 4,
            "n_supports": 1,
            "rho": [0.0],
        },
    ),
    (
        _ML + "TreeEnsembleRegressor",
        _X,
        {
            **_TREE,
            "target_treeids": [0, 0],
            "target_nodeids": [1, 2],
            "target_ids": [0, 1],
            "target_weights": [1.0, 2.0],
            "n_targets": 2,
        },
    ),
    (
        _ML + "TreeEnsembleClassifier",
        {"x": floats(5, 4).astype(np.float64)},
        {
            **_TREE,
            "class_treeids": [0, 0],
            "class_nodeids": [1, 2],
            "class_ids": [0, 0],
            "class_weights": [0.2, 0.8],
            "classlabels_strings": ["a", "b"],
        },
    ),
    (_ML + "OneHotEncoder", {"x": RNG.integers(0, 3, (5, 2))}, {"cats_int64s": [0, 1, 2]}),
    (_ML + "ArrayFeatureExtractor", {"x": floats(4), "i": np.array([0, 2, 3])}, {}),
    (_ML + "ArrayFeatureExtractor", {"x": floats(2, 3, 4), "i": np.array([[0, 2]])}, {}),
    (_ML + "FeatureVectorizer", {"x": floats(5, 4), "w": floats(5, 3)}, {"inputdimensions": [4, 3]}),
    (_ML + "LabelEncoder", {"x": RNG.integers(0, 3, (5, 2))}, {"keys_int64s": [0, 1], "values_strings": ["a", "b"]}),
    (_ML + "CategoryMapper", {"x": RNG.integers(0, 3, (5,))}, {"cats_int64s": [0, 1], "cats_strings": ["a", "b"]}),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{index}-{case[0]}" for index, case in enumerate(CASES)])
def test_shapes_are_those_that_the_runtime_makes(case: NodeCase, tmp_path: Path) -> None:
    """Each output has the dimensions and the type that come out of onnxruntime, and its operator is no guess."""
    assert_made_as_read(case, tmp_path)


def test_a_sequence_of_maps_is_as_big_as_what_it_names(tmp_path: Path) -> None:
    """ZipMap gives a map for each of 3 rows: as many bytes as the 3 x 2 scores, for maps have no size of their own."""
    path = write_node(tmp_path / "m.onnx", _ML + "ZipMap", {"x": floats(3, 2)}, classlabels_int64s=[0, 1])
    assert read(path).size.tolist() == [24, 24]


def test_all_of_classical_machine_learning_has_shapes() -> None:
    """No operator of ai.onnx.ml needs a recorded shape."""
    operators = {f"ai.onnx.ml.{schema.name}" for schema in defs.get_all_schemas() if schema.domain == "ai.onnx.ml"}
    assert operators <= set(shapes.RULES)
