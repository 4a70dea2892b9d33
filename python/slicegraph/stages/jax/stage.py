"""A stage of a JAX function, and all of them in a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax

from slicegraph.errors import InputError
from slicegraph.formats.jax.tracing import TracedProgram
from slicegraph.formats.traced import Value
from slicegraph.stages.jax.division import Division, Share
from slicegraph.stages.jax.functions import Functions
from slicegraph.stages.jax.names import part_name


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stage:
    """One stage: a function that is compiled, and what it needs.

    Attributes
    ----------
    block
        Its number in the plan.
    function
        ``function(parameters, *inputs)`` gives a tuple of the outputs; made by ``jax.jit``.
    inputs, outputs
        Names of the values that it reads and makes: the function's arguments by their path, as ``args[1]``, others by
        the node that makes them. They are those of the graph's tensors.
    parameters
        Shape and type of each parameter that it needs, by name: arguments by their path, a part of one as
        ``args[0]['kernel'][3]``, arrays that the function closes over as ``constant``.
    leaves
        The paths of the arguments of which its parameters are, or are parts.
    """

    block: int
    function: Callable[..., Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: Mapping[str, jax.ShapeDtypeStruct]
    leaves: tuple[str, ...]
    _take: Callable[[Sequence[Any]], list[Any]] = field(repr=False)
    _in_tree: Any = field(repr=False)

    def __call__(self, parameters: Mapping[str, Any], *inputs: Any) -> tuple[Any, ...]:  # noqa: ANN401 - arrays
        """Run the stage.

        Raises
        ------
        InputError
            When a parameter is missing, or there are not as many inputs as it has.
        """
        if len(inputs) != len(self.inputs):
            raise InputError(f"stage {self.block} takes {len(self.inputs)} inputs, not {len(inputs)}")
        missing = next((name for name in self.parameters if name not in parameters), None)
        if missing is not None:
            raise InputError(f"stage {self.block} takes the parameter {missing}, which is not given")
        result: tuple[Any, ...] = self.function(dict(parameters), *inputs)
        return result

    def take(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401 - arrays
        """Take the stage's parameters out of the whole function's arguments, of which only ``leaves`` are looked at.

        Raises
        ------
        InputError
            When the arguments are not structured as those that were traced.
        """
        return dict(zip(self.parameters, self._take(flat(self._in_tree, args, kwargs)), strict=True))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stages(Sequence[Stage]):
    """The stages of a function, in order; called like the function, they run one after the other.

    Attributes
    ----------
    stages
        Those with nodes.
    """

    stages: tuple[Stage, ...]
    _names: Sequence[str] = field(repr=False)
    _returned: Sequence[str | int] = field(repr=False)
    _constant: Callable[[Sequence[Any]], list[Any]] = field(repr=False)
    _in_tree: Any = field(repr=False)
    _out_tree: Any = field(repr=False)

    def __len__(self) -> int:
        return len(self.stages)

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - a stage or several
        return self.stages[index]

    def __iter__(self) -> Iterator[Stage]:
        return iter(self.stages)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - arrays
        """Run all stages on the function's arguments, and give what the function gives.

        Raises
        ------
        InputError
            When the arguments are not structured as those that were traced.
        """
        leaves = flat(self._in_tree, args, kwargs)
        values = dict(zip(self._names, leaves, strict=True))
        for stage in self.stages:
            made = stage(stage.take(*args, **kwargs), *(values[name] for name in stage.inputs))
            values.update(zip(stage.outputs, made, strict=True))
        constant = self._constant(leaves)
        returned = [constant[key] if isinstance(key, int) else values[key] for key in self._returned]
        return jax.tree_util.tree_unflatten(self._out_tree, returned)


def flat(tree: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:  # noqa: ANN401 - JAX's own
    """Give the leaves of arguments that have the structure that was traced."""
    leaves, found = jax.tree_util.tree_flatten((tuple(args), dict(kwargs)))
    if found != tree:
        raise InputError(f"arguments: they are structured as {found}, but {tree} was traced")
    return leaves


def divided(traced: TracedProgram, block_of: Sequence[int]) -> Stages:
    """Divide a program into stages.

    Parameters
    ----------
    traced
        The program.
    block_of
        The block of each node.

    Raises
    ------
    InputError
        A value runs to an earlier block.
    """
    division, functions = Division(traced, block_of), Functions(traced)
    maker = _Maker(traced, division, functions)
    constants = [value for value in dict.fromkeys(division.returned) if maker.is_constant(value)]
    place = {value: index for index, value in enumerate(constants)}
    return Stages(
        stages=tuple(map(maker.stage, division.shares())),
        _names=[leaf.name for leaf in traced.leaves],
        _returned=[place.get(value, value.name) for value in division.returned],
        _constant=maker.taking(*division.constant(), constants),
        _in_tree=traced.in_tree,
        _out_tree=traced.out_tree,
    )


class _Maker:
    """Makes the stages of one program."""

    def __init__(self, traced: TracedProgram, division: Division, functions: Functions) -> None:
        self._traced, self._division, self._functions = traced, division, functions
        self._leaf = {leaf: index for index, leaf in enumerate(traced.leaves)}
        self._inputs = frozenset(traced.program.inputs)

    def is_constant(self, value: Value) -> bool:
        return value not in self._division.made and value not in self._inputs

    def stage(self, share: Share) -> Stage:
        names = self._names(share.parameters)
        run = self._functions.of(share.steps, [*share.parameters, *share.inputs], share.outputs)

        def stage(parameters: Mapping[str, Any], *inputs: Any) -> tuple[Any, ...]:  # noqa: ANN401 - arrays
            return tuple(run(*(parameters[name] for name in names), *inputs))

        stage.__name__ = f"stage{share.block}"
        begins = self._division.begins(share.parameters)
        return Stage(
            block=share.block,
            function=jax.jit(stage),
            inputs=tuple(value.name for value in share.inputs),
            outputs=tuple(value.name for value in share.outputs),
            parameters={
                name: _struct(self._traced.avals[value]) for name, value in zip(names, share.parameters, strict=True)
            },
            leaves=tuple(value.name for value in sorted(begins.keys() & self._leaf.keys(), key=self._leaf.__getitem__)),
            _take=self.taking(share.preparation, list(begins), share.parameters),
            _in_tree=self._traced.in_tree,
        )

    def taking(self, steps: Sequence[Any], begins: Sequence[Value], wanted: Sequence[Value]) -> Callable[..., Any]:
        """Make the function that makes some values of the leaves of the arguments; what needs no step is not copied."""
        made = [value for value in wanted if value not in self._leaf and value not in self._traced.constants]
        run = jax.jit(self._functions.of(steps, begins, made))

        def take(leaves: Sequence[Any]) -> list[Any]:
            def given(value: Value) -> Any:  # noqa: ANN401 - an array
                return leaves[self._leaf[value]] if value in self._leaf else self._traced.constants[value]

            found = dict(zip(made, run(*map(given, begins)) if made else [], strict=True))
            return [found[value] if value in found else given(value) for value in wanted]

        return take

    def _names(self, values: Sequence[Value]) -> list[str]:
        names: dict[str, None] = {}
        for value in values:
            name = base = part_name(value, self._traced, self._division.maker) or "constant"
            count = 1
            while name in names:
                count += 1
                name = f"{base} ({count})"
            names[name] = None
        return list(names)


def _struct(aval: Any) -> jax.ShapeDtypeStruct:  # noqa: ANN401 - JAX keeps the types of abstract values to itself
    return jax.ShapeDtypeStruct(aval.shape, aval.dtype)  # type: ignore[no-untyped-call] # JAX leaves its types open
