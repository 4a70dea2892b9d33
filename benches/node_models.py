"""Compare what the reader counts of ONNX's conformance models, node by node, with counts by definition.

``python benches/node_models.py`` prints a row per operator, then every node that is off; exit status 1 if a node is off
by over 10 % and is no guess.
"""

from __future__ import annotations

import collections
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.case.test_case import TestCase
from onnx.reference import ReferenceEvaluator

from definitions.moving import moved
from definitions.operations import operations
from definitions.run import run_of
from slicegraph.errors import InputError
from slicegraph.formats.onnx.opening import Opened, opened

TOLERANCE = 0.1
WITH_BODIES = {"If", "Loop", "Scan", "SequenceMap"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One node: what the reader says, and what its definition says; None: there is none."""

    case: str
    op: str
    is_guess: bool
    counted: int
    defined: int | None
    what: str = "operations"

    @property
    def error(self) -> float:
        if self.defined is None or (self.is_guess and self.what == "operations"):
            return 0.0
        return abs(self.counted - self.defined) / max(1, self.defined)

    @property
    def is_off(self) -> bool:
        """Unguessed, and undefined or off."""
        return self.error > TOLERANCE or (self.defined is None and not self.is_guess)


def main() -> int:
    """Go over all models."""
    rows: list[Row] = []
    apart: collections.Counter[str] = collections.Counter()
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        cases = collect_testcases(None)
        for case in cases:
            try:
                rows += compared(case, Path(folder) / "model.onnx")
            except InputError as error:
                apart[str(error).partition(": ")[0][:70]] += 1
            except _NoArraysError as error:
                apart[str(error)] += 1
    show(rows, apart, len(cases))
    return int(any(row.is_off for row in rows))


class _NoArraysError(Exception):
    """The reference does not say what goes through a model."""


def compared(case: TestCase, path: Path) -> Iterator[Row]:
    """Compare each node that the reader keeps of a model."""
    found = _opened(case, path)
    arrays = _arrays(case)
    flops, is_guess, is_view = _column(found, "flops"), _column(found, "is_guess"), _column(found, "is_view")
    read_bytes, write_bytes = _column(found, "read_bytes"), _column(found, "write_bytes")
    used = found.walked.used
    for index, node in enumerate(found.walked.nodes):
        proto = node.proto
        if proto.op_type in WITH_BODIES:
            continue
        if any(name and name not in arrays for name in (*proto.input, *proto.output)):
            raise _NoArraysError(f"the reference has no value of {node.op}")
        run = run_of(proto, *([arrays.get(name) for name in names] for names in (proto.input, proto.output)))
        defined = 0 if is_view[index] and node.op == "Dropout" else operations(run)
        row = Row(
            case=case.name, op=node.op, is_guess=bool(is_guess[index]), counted=int(flops[index]), defined=defined
        )
        yield row
        counted, wanted = int(read_bytes[index] + write_bytes[index]), moved(run, used, found.walked.outputs)
        if any(name and arrays[name] is None for name in proto.input):
            wanted = counted  # what is empty has no size
        if any(value.is_constant for value in node.reads.values()):
            wanted = min(wanted, counted)  # what is made of constants may be stored as less
        yield replace(row, what="bytes", counted=counted, defined=wanted)


def _column(found: Opened, name: str) -> Sequence[int]:
    column: Sequence[int] = getattr(found.arrays, name)
    return column


def _opened(case: TestCase, path: Path) -> Opened:
    """Read a model; where sizes depend on elements, with its whole numbers as constants, or with recorded shapes."""
    model = _model(case)
    path.write_bytes(model.SerializeToString())
    try:
        return opened(path, {})
    except InputError:
        pass
    path.write_bytes(_with_constants(model, _given(case)).SerializeToString())
    try:
        return opened(path, {})
    except InputError:
        path.write_bytes(_with_shapes(model, _arrays(case)).SerializeToString())
        return opened(path, {})


def _model(case: TestCase) -> ModelProto:
    if case.model is None:
        raise _NoArraysError("there is no model")
    return case.model


def _given(case: TestCase) -> Mapping[str, Any]:
    names = [value.name for value in _model(case).graph.input]
    return dict(zip(names, _data(case)[0], strict=False))


def _data(case: TestCase) -> tuple[Sequence[Any], Sequence[Any]]:
    """Give what goes in and what comes out."""
    if case.data_sets is None:
        raise _NoArraysError("there are no data")
    return case.data_sets[0]


def _with_constants(model: ModelProto, given: Mapping[str, Any]) -> ModelProto:
    changed = ModelProto()
    changed.CopyFrom(model)
    wholes = {n: a for n, a in given.items() if isinstance(a, np.ndarray) and a.dtype.kind in "iub"}
    if len(wholes) == len(given):
        wholes.pop(next(iter(wholes), ""), None)
    left = [value for value in changed.graph.input if value.name not in wholes]
    del changed.graph.input[:]
    changed.graph.input.extend(left)
    changed.graph.initializer.extend(numpy_helper.from_array(a, n) for n, a in wholes.items())
    return changed


def _with_shapes(model: ModelProto, arrays: Mapping[str, Any]) -> ModelProto:
    changed = ModelProto()
    changed.CopyFrom(model)
    known = {value.name for value in (*changed.graph.input, *changed.graph.output)}
    for name, array in arrays.items():
        if name and name not in known and isinstance(array, np.ndarray) and array.dtype != object:
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            changed.graph.value_info.append(helper.make_tensor_value_info(name, kind, array.shape))
    return changed


def _arrays(case: TestCase) -> Mapping[str, Any]:
    """Give every value of a model by name, when it runs on its own data."""
    model, given = _model(case), _given(case)
    arrays = {"": None, **given, **{t.name: numpy_helper.to_array(t) for t in model.graph.initializer}}
    arrays |= dict(zip([value.name for value in model.graph.output], _data(case)[1], strict=False))
    arrays = {name: numpy_helper.to_array(a) if isinstance(a, TensorProto) else a for name, a in arrays.items()}
    made = {name for node in model.graph.node for name in node.output if name}
    inner = sorted(made - arrays.keys())
    if inner:
        whole = ModelProto()
        whole.CopyFrom(model)
        del whole.graph.output[:]
        whole.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in inner)
        try:
            arrays |= dict(zip(inner, ReferenceEvaluator(whole).run(None, dict(given)), strict=True))
        except Exception as error:  # whatever the reference cannot run
            raise _NoArraysError(f"the reference cannot run {case.name.removesuffix('_expanded')}") from error
    return arrays


def show(rows: list[Row], apart: Mapping[str, int], num_models: int) -> None:
    """Print a table of operators, and what is off."""
    print(f"{num_models} models, {len({row.case for row in rows})} compared, {len(rows) // 2} nodes\n")
    print("| Operator | Nodes | Guessed | Largest error of operations | of bytes |\n|---|---|---|---|---|")
    by_op: dict[str, list[Row]] = {}
    for row in rows:
        by_op.setdefault(row.op, []).append(row)
    for op, mine in sorted(by_op.items()):
        guesses = sum(row.is_guess for row in mine) // 2
        errors = (
            f"{100 * max(row.error for row in mine if row.what == what):.0f} %" for what in ("operations", "bytes")
        )
        print(f"| {op} | {len(mine) // 2} | {guesses or ''} | {' | '.join(errors)} |")
    print("\nOff by over 10 % and no guess:")
    for row in filter(lambda row: row.is_off, rows):
        print(f"- {row.case}, {row.op}: {row.counted} {row.what}, {row.defined} by definition")
    print("\nNot compared:")
    for reason, count in sorted(apart.items()):
        print(f"- {count}: {reason}")


if __name__ == "__main__":
    sys.exit(main())
