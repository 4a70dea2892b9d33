"""The JSON Schema beside the checker: it says of a document's form what the checker says."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from importlib import resources
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

import certificates
import row_proofs
from certificates import FREE, certify, relax
from mutations import mutations, path_keys
from questions import Question, questions
from slicegraph.certificate import structure
from slicegraph.certificate.structure import PlacedError
from strategies import CHAIN

SCHEMA: dict[str, Any] = json.loads(resources.files("slicegraph.certificate").joinpath("schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


UNLIKE: dict[str, Any] = json.loads(resources.files("slicegraph.certificate").joinpath("schema-3.json").read_text())


def has_form(document: object) -> bool:
    try:
        structure.check_structure(document)
    except PlacedError:
        return False
    return True


def objects(schema: object) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for inner in schema.values():
            yield from objects(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from objects(inner)


def test_the_schemas_are_schemas_and_are_called_by_their_formats() -> None:
    for schema, number in ((SCHEMA, 2), (UNLIKE, 3)):
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["$id"] == f"urn:slicegraph:certificate-{number}"


def test_every_object_is_closed_and_every_field_described() -> None:
    for schema in (*objects(SCHEMA), *objects(UNLIKE)):
        assert "additionalProperties" in schema
        assert schema["additionalProperties"] is False or "properties" not in schema
        for name, field in schema.get("properties", {}).items():
            assert field["description"].endswith("."), name


@given(questions(), st.integers())
def test_certificates_have_the_form_that_the_schema_gives(question: Question, seed: int) -> None:
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    relaxations = [row_proofs.random_relaxation(question, random_, [None, 0, 7]) for _ in range(3)]
    proved = [
        row_proofs.prove(question, each, 2, row_proofs.random_rows(question, each, random_)) for each in relaxations
    ]
    document = certify(question, None, {"exact": [*relaxations, *filter(None, proved)]}).document
    VALIDATOR.validate(document)
    assert has_form(document)


def test_the_schema_and_the_checker_refuse_the_same_forms() -> None:
    """For every one-entry change, but for what JSON Schema cannot tell: 1 from 1.0."""
    tensors = {"producer": [0, 1], "size": [8, 8], "consumers": [[1], [2]], "is_output": [False, True]}
    data = CHAIN | {"tensors": tensors, "nodes": CHAIN["nodes"] | {"param_bytes": [1, 2, 3]}}
    device = {"bandwidth": 64.0, "flops": 1.0, "memory_bandwidth": 1.0, "memory": 1, "memory_limit": 9}
    question = Question(data, device, 2, boundary_io=True)
    whole, free = relax([1, 1], demand=0), relax(FREE, demand=1, threshold=9, solver=0)
    one_of_each = {row[0]: [*row, 2] for row in row_proofs.every_row(question, whole)}
    whole["proof"] = {"unit": 3, "rows": sorted(one_of_each.values()), "lower_bound": 0}
    evidence: dict[str, certificates.Evidence] = {
        "chain": {"chain": {"threshold": 3}},
        "downsets": {
            "reduction": {"threshold": 9, "merges": [["pull", 0, 1]]},
            "downsets": {"threshold": 9},
            "node": {"node": 1, "lower_bound": 3},
        },
    }
    document = certify(question, [0, 0, 1], {"bottleneck": [free], "exact": [whole]}, evidence).document
    assert has_form(document)
    VALIDATOR.validate(document)
    count = 0
    for path, changed in mutations(document):
        is_valid = VALIDATOR.is_valid(changed)
        if has_form(changed) and not is_valid:
            # Form the checker finds where it uses them: kinds of bounds, indices below zero, spans.
            assert path == ".bounds" or ".rows" in path or ".spans" in path, path
        if is_valid and not has_form(changed):
            value: Any = changed
            for key in path_keys(path):
                value = value[key]
            assert isinstance(value, int | float), path
            assert not isinstance(value, bool), path
        count += not is_valid
    assert count > 400


@pytest.mark.parametrize("order", ["given", "any"])
def test_the_schema_of_unlike_devices_refuses_what_the_checker_does(order: str) -> None:
    question = Question(CHAIN, {"bandwidth": 64.0}, 2)
    document = certify(question, [0, 0, 1]).document
    document = {name: value for name, value in document.items() if name != "device"}
    document |= {"format": "slicegraph-certificate-3", "kind_of": [0, 1], "order": order, "multipliers": [1, 2]}
    document |= {"devices": [{"bandwidth": 64.0, "overlap": True}, {"bandwidth": 1.0, "latency": 1.0, "work": "gpu"}]}
    document |= {"stages": [[0, [1]], [1, [0, 1]]], "together": [[0, 1]]}
    if order == "any":
        document["witness"]["kind_of"] = [1, 0]
        document["arrangements"] = [{"kind_of": [1, 0], "lower_bound": 3, "bounds": document["bounds"]}]
    validator = jsonschema.Draft202012Validator(UNLIKE)
    assert has_form(document)
    validator.validate(document)
    count = 0
    for path, changed in mutations(document):
        is_valid = validator.is_valid(changed)
        if has_form(changed) and not is_valid:
            assert path == ".bounds", path
        if is_valid and not has_form(changed):
            value: Any = changed
            for key in path_keys(path):
                value = value[key]
            assert isinstance(value, int | float), path
            assert not isinstance(value, bool), path
        count += not is_valid
    assert count > 200


@pytest.mark.parametrize("document", [None, [], "certificate", 1])
def test_what_is_no_object_is_no_certificate(document: object) -> None:
    assert not has_form(document)
    assert not VALIDATOR.is_valid(document)
