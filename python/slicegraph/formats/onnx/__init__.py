"""Read ONNX models: shapes by ONNX's own inference, facts by operator, weights left where they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.counting import Formula
from slicegraph.formats.files import without_collection
from slicegraph.formats.onnx.opening import named, opened

__all__ = ["read"]


def read(
    path: Path,
    *,
    dims: Mapping[str, int] | None = None,
    flops: Mapping[str, Formula] | None = None,
    trips: Mapping[str, int] | None = None,
) -> GraphArrays:
    """Read an ONNX model as a graph of nodes and tensors.

    Parameters
    ----------
    path
        An ``.onnx`` file, of any size.  Weights are not read, and files of external data not opened.
    dims
        Sizes of named dimensions, by any name that the file uses; one without a name is called ``INPUT.AXIS``.  Where
        the file has an expression for a name, as ``past + seq``, sizes of the names in it give its own.
    flops
        What operators compute, by name: a function of the shapes of the inputs and the outputs, or a formula
        (`slicegraph.formats.counting.given.Formula`); it goes before the tables.
    trips
        How often loops run of which the file does not say it (`slicegraph.formats.counting.trips.Trips`).

    Returns
    -------
        The graph in file order, with its facts and without its work.  Parameters are no nodes: initializers,
        constants and whatever is computed from them alone.

    Raises
    ------
    InputError
        The file cannot be read or is no model, a dimension is not known, or shapes cannot be inferred; in one line.

    Notes
    -----
    - Sizes: elements by width, types of less than a byte packed, 8 bytes for a string.  A sequence is as big as what
      went into it, or as one item where that is unknown; a sparse tensor is dense to its readers.
    - ``flops``: 2 for a multiply-accumulate, 5 per element to normalise, 1 per element for the rest, 0 for moving data
      (the table is in ``flops.py``, those of ai.onnx.ml and com.microsoft beside it).  An operator that is in no table
      is guessed by the bytes that it moves (`slicegraph.formats.facts.priced`) and marked as a guess, and so is one
      with such an operator in its bodies.
    - Shapes are those of ONNX's inference, and of ``shapes.py`` for ai.onnx.ml and com.microsoft.  Others must be
      recorded in the file's ``value_info``; elsewhere inference overrules the record.  One that runtimes know in ONNX's
      own domain before its operator set does is what it is in the first set that has it.
    - ``read_bytes``: distinct inputs with parameters, of a gathered table only the part that is gathered.
      ``write_bytes``: outputs in use, of what is written in place only the change (`slicegraph.formats.in_place`).
      ``param_bytes``: parameters as stored, of one node each; those that several nodes read are in ``param_size``, but
      numbers of 8 bytes at most, and short lists of whole numbers, are each reader's own.  What nodes make of
      parameters alone is stored as these are, so that a cast or dequantized weight is as it is packed; of a slice, that
      slice alone.  Two initializers that are one part of a file of external data are one.
    - ``dtype``: the widest floating-point type among a node's operands, else the widest of theirs; a quantized product
      computes in whole numbers.  What DequantizeLinear makes in each run is multiplied as it makes it.
    - If, Loop, Scan and SequenceMap stay one node each, which reads what its bodies capture.  Loop and Scan count their
      body once per iteration; if their number is not given, once, and are marked as guesses, and so is a Loop
      whose condition may end it before its trip count does.  If counts its more expensive branch, or the one that is
      known to run.
    - Local functions are inlined.  Nodes that only told shapes go with the shapes.  Nodes out of order are sorted.

    Examples
    --------
    >>> from pathlib import Path
    >>> import onnx
    >>> networks = Path(onnx.__file__).parent / "backend/test/data/light"
    >>> graph = read(networks / "light_squeezenet.onnx")
    >>> len(graph.op), int(graph.flops.sum())
    (66, 706628160)
    """
    with named(path), without_collection():
        return opened(path, dims or {}, flops, trips).arrays
