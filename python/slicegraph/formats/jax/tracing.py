"""The program of a JAX function: its steps, and what each of them and of its values is in JAX."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jax
from jax.extend.core import ClosedJaxpr, JaxprEqn

from slicegraph.errors import InputError
from slicegraph.formats.counting import Formula, Formulas, Trips
from slicegraph.formats.jax.avals import nbytes
from slicegraph.formats.jax.modules import Path, module_path
from slicegraph.formats.jax.origins import origin
from slicegraph.formats.jax.walk import Walk
from slicegraph.formats.traced import Program, Step, Value

MOST_OPENED: Final = 20_000
"""Equations of a loop up to which it is opened: more than eighty layers of a transformer have; not measured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TracedProgram:
    """The program of a function.

    Attributes
    ----------
    program
        Its steps and values.
    leaves
        Its arguments, in the order of ``in_tree``.
    equations
        What each step computes.
    literals
        Numbers that are written into the program, or worked out, as JAX has them.
    constants
        Arrays that it closes over.
    avals
        Shape and type of arguments and of what steps make, as JAX has them.
    in_tree, out_tree
        The structure of its arguments, ``(args, kwargs)``, and of what it returns.
    """

    program: Program
    leaves: Sequence[Value]
    equations: Mapping[Step, JaxprEqn]
    literals: Mapping[Value, Any]
    constants: Mapping[Value, Any]
    avals: Mapping[Value, Any]
    in_tree: Any
    out_tree: Any


def traced_program(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    param_argnums: Sequence[int],
    name: str,
    flops: Mapping[str, Formula] | None = None,
    trips: Mapping[str, int] | None = None,
    open_loops: int = MOST_OPENED,
    is_training: bool = False,
) -> TracedProgram:
    """Trace a function; see `slicegraph.formats.jax.trace`."""
    wanted = _parameter_positions(param_argnums, len(args))
    paths, in_tree = jax.tree_util.tree_flatten_with_path((tuple(args), dict(kwargs)))
    closed, shapes = _jaxpr(function, args, kwargs)
    parameters: list[Value] = []
    inputs: list[Value] = []
    leaves: list[Value] = []
    modules: dict[Value, Path] = {}
    for (path, _), var in zip(paths, closed.jaxpr.invars, strict=True):
        is_positional = path[0].idx == 0
        label = ("args" if is_positional else "kwargs") + jax.tree_util.keystr(path[1:])
        value = Value(nbytes=nbytes(var.aval, label), name=label)
        leaves.append(value)
        if is_positional and path[1].idx in wanted:
            parameters.append(value)
            modules[value] = module_path(path[2:])
        else:
            inputs.append(value)
    formulas, said = Formulas(flops), Trips(trips)
    walk = Walk(formulas, said, open_loops, modules, is_training=is_training)
    steps, outputs = walk.closed(closed, leaves)
    origins = None
    if is_training:
        # Each layer's gradients stay where they are: nothing stacks them.
        outputs = [part for value in outputs for part in walk.taken_apart(value)]
        origins = {step: origin(walk.scopes[step], eqn.source_info.traceback) for step, eqn in walk.equations.items()}
    formulas.check_used()
    said.check_used()
    parameters += walk.parameters
    avals = {value: var.aval for value, var in zip(leaves, closed.jaxpr.invars, strict=True)}
    avals |= {value: jax.typeof(array) for value, array in walk.constants.items()}
    for step, eqn in walk.equations.items():
        avals.update(zip(step.outputs, (var.aval for var in eqn.outvars), strict=True))
    return TracedProgram(
        program=Program(name=name, steps=steps, inputs=inputs, parameters=parameters, outputs=outputs, origins=origins),
        leaves=leaves,
        equations=walk.equations,
        literals=walk.literals,
        constants=walk.constants,
        avals=avals,
        in_tree=in_tree,
        out_tree=jax.tree_util.tree_structure(shapes),
    )


def _jaxpr(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[ClosedJaxpr, Any]:
    """Let JAX trace a function; what it raises is told in one line, and is the cause of that."""
    try:
        return jax.make_jaxpr(function, return_shape=True)(*args, **kwargs)
    except InputError:
        raise
    except Exception as error:  # there is no end of what a function may raise while it is traced
        line = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        raise InputError(f"JAX cannot trace it: {type(error).__name__}{': ' * bool(line)}{line:.200}") from error


def _parameter_positions(param_argnums: Sequence[int], count: int) -> frozenset[int]:
    for position in param_argnums:
        if not -count <= position < count:
            raise InputError(f"param_argnums: {position}, but the function is given {count} positional arguments")
    return frozenset(position % count for position in param_argnums)
