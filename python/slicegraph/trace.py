"""From a JAX function or a PyTorch model to a graph: traced, not run."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from slicegraph import checks
from slicegraph.errors import InputError
from slicegraph.formats.counting import Formula
from slicegraph.graph import Graph, fields

if TYPE_CHECKING:
    from slicegraph.formats.jax.tracing import TracedProgram

_MAX_ARGS = 1000
_MOST_NODES = 2**31 - 1


def from_jax(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None = None,
    *,
    param_argnums: int | Sequence[int] = 0,
    name: str | None = None,
    flops: Mapping[str, Formula] | None = None,
    trips: Mapping[str, int] | None = None,
    open_loops: bool | int = True,
    training: bool = False,
) -> Graph:
    """Trace a JAX function: one node per equation of its jaxpr, with what it computes and moves; nothing is computed.

    Parameters
    ----------
    function
        What ``jax.jit`` takes. Options that are no arrays are bound beforehand, with ``functools.partial``.
    args, kwargs
        What it is called with: arrays, or ``jax.ShapeDtypeStruct`` in their place.
    param_argnums
        Which of ``args`` are parameters, with all their leaves; ``()``: none. Arrays that the function closes over are
        parameters, too.
    name
        What the graph is called. None: as the function.
    flops
        What primitives compute, by name, as `read` takes it.
    trips
        How often a ``while`` runs of which the program does not say it, as `read` takes it; it is a guess otherwise.
    open_loops
        Loops become their iterations, which can then be cut: ``lax.scan``, ``fori_loop`` and ``while_loop``, if the
        number of iterations is known and all of them together have at most so many equations; True: 20,000. False: a
        loop is one node.
    training
        The function has a backward pass, as ``jax.grad`` and ``jax.value_and_grad`` make it. Then the forward and the
        backward of an equation are in one stage, and gradients run in no order of stages.

    Raises
    ------
    InputError
        When the jax package is missing, JAX cannot trace the function, a dimension is symbolic, nothing is left to run,
        or a training function has no backward pass. What JAX or the function raises is the cause.

    Notes
    -----
    Facts are counted as in ONNX models; `slicegraph.formats.jax.trace` says how. What is computed from parameters alone
    is a parameter. An iteration of an opened loop has its own part of each stack, so that a layer's weights are
    parameters of its own; loops that are not opened are one node each, and so is ``cond``.

    Examples
    --------
    >>> import jax
    >>> import slicegraph as sg
    >>> weight, x = jax.ShapeDtypeStruct((512, 256), "bfloat16"), jax.ShapeDtypeStruct((8, 512), "bfloat16")
    >>> graph = sg.from_jax(lambda weight, x: jax.nn.relu(x @ weight), (weight, x), name="layer")
    >>> graph, graph.arrays.op, graph.arrays.param_bytes.tolist()
    (<Graph 'layer': 2 nodes, 3 tensors>, ('dot_general', 'max'), [262144, 0])

    Three layers in a loop, of which each has a third of the weights:

    >>> def apply(weights, x):
    ...     return jax.lax.scan(lambda x, weight: (x @ weight, None), x, weights)[0]
    >>> stack = jax.ShapeDtypeStruct((3, 512, 512), "bfloat16")
    >>> sg.from_jax(apply, (stack, x)).arrays.param_bytes.tolist()
    [524288, 524288, 524288]
    """
    _, graph = jax_program(
        function,
        args,
        kwargs,
        param_argnums=param_argnums,
        name=name,
        flops=flops,
        trips=trips,
        open_loops=open_loops,
        training=training,
    )
    return graph


def jax_program(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None,
    *,
    param_argnums: int | Sequence[int],
    name: str | None = None,
    flops: Mapping[str, Formula] | None = None,
    trips: Mapping[str, int] | None = None,
    open_loops: bool | int,
    training: bool = False,
) -> tuple[TracedProgram, Graph]:
    """Trace a JAX function as `from_jax` does: the program, and its graph.

    Raises
    ------
    InputError
        As `from_jax` does.
    """
    if not callable(function):
        raise InputError(f"function = {function!r:.80}, but it is called with arrays")
    _check_name(name)
    require("jax")
    from slicegraph.formats import jax, traced  # noqa: PLC0415 - a library is imported when used

    positions = _positions(param_argnums)
    name = _name(function) if name is None else name
    is_switch = isinstance(open_loops, bool | np.bool_)
    is_training = checks.flag("training", training)
    most = jax.MOST_OPENED * bool(open_loops) if is_switch else checks.whole("open_loops", open_loops, 0, _MOST_NODES)
    with _named(name):
        found = jax.traced_program(
            function,
            _tuple(args),
            _dict(kwargs),
            param_argnums=positions,
            name=name,
            flops=flops,
            trips=trips,
            open_loops=most,
            is_training=is_training,
        )
        return found, Graph(**fields(traced.arrays(found.program)))


def from_torch(
    model: Any,  # noqa: ANN401 - a type of an optional library
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    dims: Mapping[str, int] | None = None,
    strict: bool = False,
    flops: Mapping[str, Formula] | None = None,
    trips: Mapping[str, int] | None = None,
    training: bool = False,
) -> Graph:
    """Trace a PyTorch model: one node per ATen operator, with what it computes and moves; nothing is computed.

    Parameters
    ----------
    model
        A ``torch.nn.Module`` in the mode it will run in (``model.eval()``), or a ``torch.export.ExportedProgram``.
    args, kwargs
        What the module is called with; nothing for an exported program.
    name
        What the graph is called. None: as the module's class.
    dims
        Sizes of symbolic dimensions, by the name of their ``torch.export.Dim`` or symbol, as ``{"batch": 8}``.
    strict
        How a module is exported, as ``torch.export.export`` has it.
    flops
        What operators compute, by name (``"my::op"``), as `read` takes it.
    trips
        How often a ``while_loop`` runs, as `read` takes it; it is a guess otherwise.
    training
        With the backward pass, which PyTorch makes. Then the forward and the backward of an operator are in one stage,
        and gradients run in no order of stages; those of the model's outputs are inputs.

    Raises
    ------
    InputError
        When the torch package is missing, the model is neither or cannot be exported, a dimension has no size, nothing
        is left to run, or a model to be trained has no parameter that requires a gradient.

    Notes
    -----
    Facts are counted as in ONNX models; `slicegraph.formats.torch.trace` says how. Weights, buffers and what is
    computed from them alone are parameters; ``cond``, ``while_loop``, ``scan`` and ``map`` are one node each.

    A node is called by the path of its module and its name in ``torch.export.export(model, args)``, as
    ``encoder.0.linear/linear_3``; `Graph.program` is that program.

    Examples
    --------
    >>> import slicegraph as sg
    >>> import torch  # doctest: +SKIP
    >>> sg.from_torch(torch.nn.Linear(512, 256), (torch.ones(8, 512),))  # doctest: +SKIP
    <Graph 'Linear': 1 nodes, 2 tensors>
    """
    _check_name(name)
    require("torch")
    from slicegraph.formats import torch  # noqa: PLC0415 - a library is imported when used

    name = type(model).__name__ if name is None else name
    sizes, strict, training = checks.dims(dims), checks.flag("strict", strict), checks.flag("training", training)
    with _named(name):
        program = torch.exported(model, _tuple(args), _dict(kwargs), strict=strict)
        arrays = torch.trace(program, name=name, dims=sizes, flops=flops, trips=trips, training=training)
        return Graph(**fields(arrays)).of_program(program)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Make every complaint one line that begins with the graph; its cause stays."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{name}: {error}") from error.__cause__


def _check_name(name: object) -> None:
    if name is not None:
        checks.text("name", name)


def _positions(param_argnums: object) -> tuple[int, ...]:
    several = param_argnums if isinstance(param_argnums, Sequence) else (param_argnums,)
    return tuple(checks.whole("param_argnums", each, -_MAX_ARGS, _MAX_ARGS) for each in several)


def _dict(kwargs: Mapping[str, Any] | None) -> dict[str, Any]:
    return {checks.text("kwargs: name", name): value for name, value in checks.mapping("kwargs", kwargs).items()}


def _tuple(args: Sequence[Any]) -> tuple[Any, ...]:
    if not isinstance(args, list | tuple):
        raise InputError(f"args: a tuple of what it is called with is asked for, not {type(args).__name__}")
    return tuple(args)


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def require(package: str) -> None:
    """Refuse to go on without an optional library, and say what to install."""
    if importlib.util.find_spec(package) is None:
        raise InputError(f"tracing takes the {package} package; pip install slicegraph[{package}]")
