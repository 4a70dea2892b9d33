"""Shapes of classical machine learning (domain ai.onnx.ml, https://onnx.ai/onnx/operators/), as runtimes give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from onnx import TypeProto

from slicegraph.formats.onnx.elementary import given
from slicegraph.formats.onnx.nodes import Node, attribute
from slicegraph.formats.onnx.shaping import FLOAT, INT64, STRING, ShapeRule, kind, like, size, tensor
from slicegraph.formats.onnx.values import Value, of_type


def _rows(node: Node) -> int | None:
    """Count the samples: one axis is one sample."""
    value = given(node)
    return 1 if value.shape is not None and len(value.shape) == 1 else size(value, 0)


def _labels(node: Node) -> tuple[int, int]:
    """Give the type of class labels and their number."""
    texts = node.texts("classlabels_strings")
    numbers = node.integers("classlabels_ints") or node.integers("classlabels_int64s")
    return (STRING, len(texts)) if texts else (INT64, len(numbers))


def _classifier(node: Node, num_scores: int) -> Sequence[Value]:
    rows, (label, _) = _rows(node), _labels(node)
    return [tensor(label, (rows,)), tensor(FLOAT, (rows, num_scores))]


def _linear_classifier(node: Node) -> Sequence[Value]:
    """Give a score for each class; a single set of coefficients for two classes gives both."""
    return _classifier(node, _labels(node)[1] or node.count("intercepts"))


def _tree_classifier(node: Node) -> Sequence[Value]:
    return _classifier(node, _labels(node)[1])


def _vector_classifier(node: Node) -> Sequence[Value]:
    """Give a score for each class, or, without probabilities, for each pair of more than two."""
    classes = _labels(node)[1]
    by_pair = node.count("support_vectors") and not node.count("prob_a") and classes > 2  # noqa: PLR2004 pairs
    return _classifier(node, classes * (classes - 1) // 2 if by_pair else classes)


def _regressor(name: str) -> ShapeRule:
    return lambda node: [tensor(FLOAT, (_rows(node), node.integer(name, 1)))]


def _ensemble(node: Node) -> Sequence[Value]:
    return [tensor(kind(given(node)), (_rows(node), node.integer("n_targets", 1)))]


def _extractor(node: Node) -> Sequence[Value]:
    """Pick columns; a vector is a row."""
    value, indices = given(node), given(node, 1)
    if value.shape is None or indices.shape is None or None in indices.shape:
        return [tensor(kind(value), None)]
    return [tensor(kind(value), (*(value.shape[:-1] or (1,)), indices.numel))]


def _mapper(node: Node) -> Sequence[Value]:
    """Give numbers for texts and texts for numbers."""
    value = given(node)
    return [tensor(INT64 if kind(value) == STRING else STRING, value.shape)]


def _encoder(node: Node) -> Sequence[Value]:
    """Give values of the type in which the attributes hold them; operator set 1 maps as CategoryMapper does."""
    value = given(node)
    if node.texts("classes_strings"):
        return _mapper(node)
    if (found := attribute(node.proto, "values_tensor")) is not None:
        return [tensor(found.t.data_type, value.shape)]
    forms = {"values_strings": STRING, "values_int64s": INT64, "values_floats": FLOAT}
    named = next((elem for name, elem in forms.items() if attribute(node.proto, name) is not None), 0)
    return [tensor(named, value.shape)]


def _one_hot(node: Node) -> Sequence[Value]:
    shape, categories = given(node).shape, len(node.texts("cats_strings")) or node.count("cats_int64s")
    return [tensor(FLOAT, None if shape is None else (*shape, categories))]


def _features(node: Node) -> Sequence[Value]:
    """Put the columns of all inputs side by side."""
    sizes = node.integers("inputdimensions")
    return [tensor(FLOAT, (_rows(node), sum(sizes) if sizes else None))]


def _dictionary(node: Node) -> Sequence[Value]:
    """Give a row with a column for each word."""
    words = len(node.texts("string_vocabulary")) or node.count("int64_vocabulary")
    return [tensor(_held(node), (1, words))]


def _cast_map(node: Node) -> Sequence[Value]:
    """Give a row with as many columns as ``max_map`` says, or as the map has, which is not known."""
    kinds = {"TO_FLOAT": FLOAT, "TO_STRING": STRING, "TO_INT64": INT64}
    columns = node.integer("max_map", 1) if node.text("map_form", "DENSE") == "SPARSE" else None
    return [tensor(kinds.get(node.text("cast_to", "TO_FLOAT"), 0), (1, columns))]


def _held(node: Node) -> int:
    return given(node).type.map_type.value_type.tensor_type.elem_type


def _zip_map(_node: Node) -> Sequence[Value]:
    """Give a sequence of maps, one for each row, from class labels to scores."""
    made = TypeProto()
    inner = made.sequence_type.elem_type.map_type
    inner.key_type = STRING if _node.texts("classlabels_strings") else INT64
    inner.value_type.tensor_type.elem_type = FLOAT
    inner.value_type.tensor_type.shape.SetInParent()
    return [of_type(made)]


RULES: Final[Mapping[str, ShapeRule]] = {
    "ArrayFeatureExtractor": _extractor,
    "Binarizer": like(0),
    "CastMap": _cast_map,
    "CategoryMapper": _mapper,
    "DictVectorizer": _dictionary,
    "FeatureVectorizer": _features,
    "Imputer": like(0),
    "LabelEncoder": _encoder,
    "LinearClassifier": _linear_classifier,
    "LinearRegressor": _regressor("targets"),
    "Normalizer": like(0, FLOAT),
    "OneHotEncoder": _one_hot,
    "SVMClassifier": _vector_classifier,
    # One score for each sample, whatever the kernel.
    "SVMRegressor": _regressor("n_targets"),
    "Scaler": like(0, FLOAT),
    "TreeEnsemble": _ensemble,
    "TreeEnsembleClassifier": _tree_classifier,
    "TreeEnsembleRegressor": _regressor("n_targets"),
    "ZipMap": _zip_map,
}
"""What each operator makes, without its domain."""
