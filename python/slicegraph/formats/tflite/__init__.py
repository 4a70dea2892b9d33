"""TFLite models (LiteRT): one node per operator, read with the ``tflite`` package from their flatbuffers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from slicegraph.errors import InputError
from slicegraph.formats import traced
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.counting import Formula, Formulas, Trips
from slicegraph.formats.tflite.model import DAMAGED, load
from slicegraph.formats.tflite.walk import program_of


def read(
    path: Path, *, flops: Mapping[str, Formula] | None = None, trips: Mapping[str, int] | None = None
) -> GraphArrays:
    """Read the first subgraph of a model.

    Parameters
    ----------
    path
        The model.
    flops, trips
        What operators compute, by name (``"CONV_2D"``, or the code of a custom one), and how often a ``WHILE`` runs, as
        in `slicegraph.formats.jax.trace`.

    Raises
    ------
    InputError
        When the file cannot be read or is no such model, a type of elements is not known, or nothing is left to run.

    Notes
    -----
    - A node is called by its first output. Sizes are those that the interpreter allocates: of a dimension that a
      caller may change, the one that stands in the model.
    - A parameter is a buffer, as large as it is stored: tensors of one buffer are one. What is made of parameters
      alone, as float32 weights of float16 ones, is no node, and is stored as these are.
    - ``flops`` as the ONNX reader counts (the table is in ``rules.py``); a fused activation counts 1 per element.
    - A variable tensor is state of the operator that has it, and a variable of the operator that assigns it last;
      one that no run assigns is a parameter.
    - A quantized operator computes in the type of its factors, whatever that of its bias.
    - An operator that is in no table, as a custom one, is a guess; so is a ``WHILE`` whose trips are not given.
    """
    formulas, said = Formulas(flops), Trips(trips)
    try:
        program = program_of(load(path), path.name.split(".")[0], formulas, said)
        formulas.check_used()
        said.check_used()
        return traced.arrays(program)
    except InputError as error:
        raise InputError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None
    except DAMAGED:  # options are read where they are asked for
        raise InputError(f"{path}: no TFLite model: options or dimensions of an operator are damaged") from None
