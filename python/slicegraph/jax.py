"""From a plan to stages that run: of JAX functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slicegraph.errors import InputError
from slicegraph.planned import PlanLike, planned_blocks
from slicegraph.trace import jax_program

if TYPE_CHECKING:
    from slicegraph.stages.jax.stage import Stages


def stages(
    function: Callable[..., Any],
    args: Sequence[Any],
    plan: PlanLike,
    kwargs: Mapping[str, Any] | None = None,
    *,
    param_argnums: int | Sequence[int] = 0,
    open_loops: bool | int = True,
) -> Stages:
    """Cut a JAX function into stages, each a function of its own with the parameters that it needs.

    Parameters
    ----------
    function, args, kwargs, param_argnums, open_loops
        What `from_jax` was given: arrays, or ``jax.ShapeDtypeStruct`` in their place.
    plan
        The result of `solve` or `audit` for that graph, its plan, the plan's document or file, or the block of each.

    Returns
    -------
        A sequence of `slicegraph.stages.jax.stage.Stage`, one for each block with nodes, in order.  Called with the
        function's arguments it runs them all, and gives what the function gives.

    Raises
    ------
    InputError
        When the function cannot be traced, or the plan is about another graph or is no partition.

    Notes
    -----
    - A stage is ``stage(parameters, *inputs)``: ``stage.inputs`` and ``stage.outputs`` name values, which are the
      graph's tensors, ``stage.take(*args)`` takes its parameters out of the function's arguments.  It looks at the
      leaves in ``stage.leaves`` alone: all others may be ``jax.ShapeDtypeStruct``.
    - Of parameters that are stacked over layers a stage has those of its own layers.
    - What is made of parameters alone is made in each run by each stage that reads it.
    - Calls are inlined, so that rules for derivatives (``custom_vjp``) and ``checkpoint`` are not kept.

    Examples
    --------
    >>> import jax
    >>> import jax.numpy as jnp
    >>> import slicegraph as sg
    >>> def apply(weights, x):
    ...     return jax.lax.scan(lambda x, weight: (jnp.tanh(x @ weight), None), x, weights)[0]
    >>> args = jnp.ones((4, 8, 8)), jnp.ones((2, 8))
    >>> instance = sg.Instance(sg.from_jax(apply, args), device=sg.Device.preset("testbed"), num_blocks=2)
    >>> stages = sg.jax.stages(apply, args, [0, 0, 0, 0, 1, 1, 1, 1])
    >>> [(stage.inputs, list(stage.parameters)) for stage in stages][0]
    (('args[1]',), ['args[0][0]', 'args[0][1]'])
    >>> bool(jnp.allclose(stages(*args), apply(*args)))
    True
    """
    traced, graph = jax_program(function, args, kwargs, param_argnums=param_argnums, open_loops=open_loops)
    from slicegraph.stages.jax.stage import divided  # noqa: PLC0415 - a library is imported when used

    try:
        return divided(traced, planned_blocks(plan, graph).tolist())
    except InputError as error:
        raise InputError(f"{traced.program.name}: {error}") from None
