"""StableHLO as MLIR, text or bytecode, and what ``jax.export`` writes: one node per operation, calls inlined.

Read with JAX's own MLIR. A portable artifact (VHLO) is brought to this version of StableHLO first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from slicegraph.errors import InputError
from slicegraph.formats import traced
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.counting import Formula, Formulas, Trips
from slicegraph.formats.stablehlo.loading import load
from slicegraph.formats.stablehlo.parameters import argument_names, parameters_of
from slicegraph.formats.stablehlo.program import program_of


def read(
    path: Path,
    *,
    flops: Mapping[str, Formula] | None = None,
    trips: Mapping[str, int] | None = None,
    params: Sequence[str] | None = None,
) -> GraphArrays:
    """Read a module's one public function, or that called ``main``.

    Parameters
    ----------
    path
        Text, bytecode, a portable artifact or a serialization of ``jax.export``, whatever its suffix.
    flops, trips
        As in `slicegraph.formats.jax.trace`; operators are called as in the module, without their dialect.
    params
        Which arguments are parameters, by name or pattern of names (`slicegraph.formats.stablehlo.parameters`). None:
        a guess by their names, which is logged as a warning.

    Raises
    ------
    InputError
        The file is no such module, a dimension is dynamic, a pattern fits no argument, or nothing is left to run.

    Notes
    -----
    Facts, loops and parameters are as in `slicegraph.formats.jax.trace`: a ``while`` whose trips the module tells
    becomes its iterations, a branch that is known is the one that runs, and a constant of one value takes no bytes.
    A ``composite`` whose operator has a rule is one node, else what it decomposes into. A program that JAX writes in
    other operations than its own primitives counts these: a cube is two multiplications, not one.

    Bytecode is read in a process of its own, which takes a second or two to start. Damage that crashes MLIR ends that
    process, and is refused.
    """
    try:
        module = load(path)
        formulas, said = Formulas(flops), Trips(trips)
        names = argument_names(module.entry)
        chosen = parameters_of(path, names, params)
        program = program_of(module, path.name.split(".")[0], names, chosen, formulas, said)
        formulas.check_used()
        said.check_used()
        return traced.arrays(program)
    except InputError as error:
        raise InputError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None
    except RecursionError:
        raise InputError(f"{path}: regions or calls are nested too deeply") from None
    except (RuntimeError, UnicodeDecodeError):
        raise InputError(f"{path}: it holds a name that is no text in UTF-8") from None
