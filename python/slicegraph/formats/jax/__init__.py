"""Trace JAX functions: one node per equation of the jaxpr, facts by primitive, nothing computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slicegraph.formats import traced
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.counting import Formula
from slicegraph.formats.jax.tracing import MOST_OPENED, traced_program

__all__ = ["MOST_OPENED", "trace", "traced_program"]


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
    - What changes part of a value that is not needed as it was writes that part alone (`slicegraph.formats.in_place`).
    - Equations whose results are not used are left out, effects or not.
    """
    found = traced_program(
        function, args, kwargs, param_argnums=param_argnums, name=name, flops=flops, trips=trips, open_loops=open_loops
    )
    return traced.arrays(found.program)
