"""From a plan to PyTorch modules that run: ``slicegraph.torch``, imported when used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slicegraph import checks
from slicegraph.errors import InputError
from slicegraph.planned import NamedPlanLike, planned_names
from slicegraph.stages.verify_split import Difference
from slicegraph.trace import require

__all__ = ["split_policy", "stages", "verify"]

DEFAULT_TOLERANCE = 1e-5
"""Relative difference that `verify` takes for rounding."""


def stages(
    module: Any,  # noqa: ANN401 - a type of an optional library
    args: Sequence[Any],
    plan: NamedPlanLike,
    kwargs: Mapping[str, Any] | None = None,
    *,
    strict: bool = False,
) -> list[Any]:
    """Cut a PyTorch module into one module per stage.

    Parameters
    ----------
    module
        The ``torch.nn.Module`` that `from_torch` traced, or its ``torch.export.ExportedProgram``.
    args, kwargs, strict
        As `from_torch` took them; nothing for an exported program. The sizes may be others.
    plan
        The answer of `solve` for its graph, `Result.plan`, its document, or the path of its file.

    Returns
    -------
        A ``torch.fx.GraphModule`` for each stage with a node, in order. It takes the tensors of its ``input_names`` and
        gives those of its ``output_names``: one as itself, several as a tuple; the last gives what the module gives.
        It has the parameters and buffers that it reads and no others, as the module's own tensors, under the names that
        they have there; one that several stages read is in each of them.

    Raises
    ------
    InputError
        When the torch package is missing, the module cannot be exported, the plan has no names or is of another module,
        or a buffer is read in one stage and written in another.

    Notes
    -----
    Stages compute what the module does in the mode that it is in, also gradients. Change in place are copies, except
    that buffers that the module writes to, and inputs, have their new values in the end. O(nodes + reads), for each
    stage again, beside the export.

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.from_torch(model, (x,))  # doctest: +SKIP
    >>> result = sg.solve(sg.Instance(graph, device=sg.Device.preset("a100"), num_blocks=4))  # doctest: +SKIP
    >>> first, *others = sg.torch.stages(model, (x,), result)  # doctest: +SKIP
    """
    named = planned_names(plan)
    require("torch")
    from slicegraph.formats import torch as formats  # noqa: PLC0415 - a library is imported when used
    from slicegraph.stages.torch import stage_modules  # noqa: PLC0415 - likewise

    strict = checks.flag("strict", strict)
    program = formats.exported(module, _args(args), checks.mapping("kwargs", kwargs), strict=strict)
    return list(stage_modules(program, named))


def split_policy(plan: NamedPlanLike) -> Callable[[Any], Any]:
    """Give a plan as the ``split_policy`` of ``torch.distributed.pipelining.pipeline``.

    Parameters
    ----------
    plan
        As `stages` takes it.

    Returns
    -------
        What ``pipeline`` calls with the module that it has traced. Its stages are those of the plan with a node.
        Called, it raises `InputError` when the module is another than the plan's, or the plan cuts what is changed in
        place from what reads it.

    Raises
    ------
    InputError
        When the torch package is missing, or the plan has no names.

    Examples
    --------
    >>> from torch.distributed.pipelining import pipeline  # doctest: +SKIP
    >>> pipe = pipeline(model, mb_args=(x,), split_policy=sg.torch.split_policy(result))  # doctest: +SKIP
    """
    named = planned_names(plan)
    require("torch")
    from slicegraph.stages.torch.policy import split_module  # noqa: PLC0415 - a library is imported when used

    return lambda traced: split_module(traced, named)


def verify(
    module: Any,  # noqa: ANN401 - a type of an optional library
    stages: Sequence[Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None = None,
    *,
    tolerance: float = DEFAULT_TOLERANCE,
) -> tuple[Difference, ...]:
    """Run a module and its stages, one after the other, on the same arguments, and compare what they give.

    Parameters
    ----------
    module, args, kwargs
        As `stages` took them.
    stages
        What it gave; each may have been moved to a device of its own.
    tolerance
        A difference, relative to the largest magnitude of an output, that is no fault.

    Returns
    -------
        The difference of each tensor that the module returns, in order. Buffers hold afterwards what they held before.
        What draws random numbers differs.

    Raises
    ------
    InputError
        When the stages are not all of the module's, or have no values, as on the meta device.

    Examples
    --------
    >>> all(each.is_equal for each in sg.torch.verify(model, stages, (x,)))  # doctest: +SKIP
    True
    """
    if not isinstance(stages, Sequence):
        raise InputError(f"stages = {stages!r:.80}, but they are a list, as slicegraph.torch.stages gives it")
    checks.number(f"tolerance = {tolerance!r:.80}", tolerance, "a tolerance is not negative")
    require("torch")
    from slicegraph.stages.torch import compare  # noqa: PLC0415 - a library is imported when used

    return compare(module, list(stages), _args(args), checks.mapping("kwargs", kwargs), tolerance)


def _args(args: object) -> tuple[Any, ...]:
    if not isinstance(args, list | tuple):
        raise InputError(f"args: a tuple of what it is called with is asked for, not {type(args).__name__}")
    return tuple(args)
