"""Trace JAX functions: one node per equation of the jaxpr, facts by primitive, nothing computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import jax

from slicegraph.errors import InputError
from slicegraph.formats import traced
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.counting import Formula, Formulas, Trips
from slicegraph.formats.jax.avals import nbytes
from slicegraph.formats.jax.walk import Walk
from slicegraph.formats.traced import Program, Value

__all__ = ["MOST_OPENED", "trace"]

MOST_OPENED: Final = 20_000
"""Equations of a loop up to which it is opened: more than eighty layers of a transformer have; not measured."""


def trace(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    param_argnums: Sequence[int],
    name: str,
    flops: Mapping[str, Formula] | None = None,
    trips: Mapping[str, int] | None = None,
    open_loops: int = MOST_OPENED,
) -> GraphArrays:
    """Trace a function as a graph of nodes and tensors.

    Parameters
    ----------
    function
        Any function that ``jax.jit`` takes.
    args, kwargs
        What it is called with: arrays, or ``jax.ShapeDtypeStruct`` in their place.
    param_argnums
        Which of ``args`` are parameters, all their leaves.
    name
        What the graph is called.
    flops
        What primitives compute, by name (`slicegraph.formats.counting.given.Formula`); it goes before the table.
    trips
        How often a loop runs whose trips the program does not tell (`slicegraph.formats.counting.trips.Trips`).
    open_loops
        A loop becomes its iterations if these are known in number and have no more equations than this, all together;
        0: none does.

    Returns
    -------
        The graph in the jaxpr's order, with its facts and without its work.  Parameters are no nodes: the arguments
        that are named so, arrays that the function closes over, numbers, and whatever is computed from them alone.

    Raises
    ------
    InputError
        A dimension is symbolic, a value is no array, ``param_argnums`` names no argument, or nothing is left to run.

    Notes
    -----
    - Calls are inlined: ``jit``, ``checkpoint``, custom derivatives.
    - ``scan``, and ``while`` whose condition depends on whole numbers of the program alone, become their iterations,
      each with its own part of every stack: a layer's weights are parameters of its own.  A loop in a loop counts as
      one equation, and then is opened if its equations in all iterations are few enough.  What one loop stacks and the
      next takes apart is passed on as it is.
    - Loops beyond that stay one node each: ``scan`` counts its body once per iteration, ``while`` as often as it is
      known or said to run, else once, and is marked as a guess.  ``cond`` is the branch that is known to run, else one
      node with its most expensive branch.
    - Sizes: elements by width, types of less than a byte packed, a random key as the words that hold it.
    - ``flops`` as the ONNX reader counts: 2 for a multiply-accumulate, 1 per element for the rest, 0 for moving data
      (the table is in ``flops.py``); ``read_bytes``, ``write_bytes`` and ``param_bytes`` likewise.  A number that is
      written into the program takes no bytes.
    - A parameter that several equations read is one of ``param_size``; one leaf of the arguments is one parameter.
      What equations make of parameters alone is stored as these are, such as a transposed or a cast weight; of a slice,
      that slice alone.
    - ``dtype``: the widest floating-point type among an equation's operands, else the widest of theirs.
    - A Pallas kernel counts its author's ``cost_estimate``, else its equations in each place of the grid.
    - A primitive that is in no table is guessed by the bytes that it moves (`slicegraph.formats.facts.priced`) and
      marked as a guess; so is a foreign function (``jax.ffi.ffi_call``), which is called by its own name.
    - What changes part of a value that nobody needs as it was writes that part alone (`slicegraph.formats.in_place`).
    - Equations whose results nobody uses are left out, effects or not.
    """
    wanted = _parameter_positions(param_argnums, len(args))
    paths, _ = jax.tree_util.tree_flatten_with_path((tuple(args), dict(kwargs)))
    closed = jax.make_jaxpr(function)(*args, **kwargs)
    parameters: list[Value] = []
    inputs: list[Value] = []
    given: list[Value] = []
    for (path, _), var in zip(paths, closed.jaxpr.invars, strict=True):
        is_positional = path[0].idx == 0
        label = ("args" if is_positional else "kwargs") + jax.tree_util.keystr(path[1:])
        value = Value(nbytes=nbytes(var.aval, label), name=label)
        given.append(value)
        (parameters if is_positional and path[1].idx in wanted else inputs).append(value)
    formulas, said = Formulas(flops), Trips(trips)
    walk = Walk(formulas, said, open_loops)
    steps, outputs = walk.closed(closed, given)
    formulas.check_used()
    said.check_used()
    parameters += walk.parameters
    return traced.arrays(Program(name=name, steps=steps, inputs=inputs, parameters=parameters, outputs=outputs))


def _parameter_positions(param_argnums: Sequence[int], count: int) -> frozenset[int]:
    for position in param_argnums:
        if not -count <= position < count:
            raise InputError(f"param_argnums: {position}, but the function is given {count} positional arguments")
    return frozenset(position % count for position in param_argnums)
