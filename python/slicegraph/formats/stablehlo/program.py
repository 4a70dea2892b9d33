"""The program of a module: its arguments, and what its entry runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from slicegraph.formats.counting import Formulas, Trips
from slicegraph.formats.stablehlo.loading import Module
from slicegraph.formats.stablehlo.locations import Scope
from slicegraph.formats.stablehlo.parameters import module_path
from slicegraph.formats.stablehlo.values import array_of
from slicegraph.formats.stablehlo.walk import Walk
from slicegraph.formats.traced import Program, Value


def program_of(
    module: Module, name: str, names: Sequence[str], parameters: Collection[int], formulas: Formulas, trips: Trips
) -> Program:
    """Walk the entry of a module.

    Parameters
    ----------
    module
        The module.
    name
        What the program is called.
    names
        Of the entry's arguments.
    parameters
        The positions of those that are parameters.
    formulas, trips
        What operators compute and how often loops run, by the user.

    Raises
    ------
    InputError
        A value is no array of known size, or a function calls itself.
    """
    block = module.entry.regions[0].blocks[0]
    values = [
        Value(nbytes=array_of(argument.type, label).nbytes, name=label)
        for argument, label in zip(block.arguments, names, strict=True)
    ]
    modules = {values[index]: module_path(names[index]) for index in sorted(parameters)}
    walk = Walk(module.functions, formulas, trips, modules)
    steps, outputs = walk.block(block, values, Scope())
    return Program(
        name=name,
        steps=steps,
        inputs=[value for index, value in enumerate(values) if index not in parameters],
        parameters=[*modules, *walk.parameters],
        outputs=outputs,
    )
