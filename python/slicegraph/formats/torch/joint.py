"""From an exported program to one with its backward pass: PyTorch's joint graph."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Any

import torch
import torch.fx.traceback as meta_of_nodes
from torch._functorch.aot_autograd import aot_export_joint_simple  # PyTorch gives it no other name
from torch._subclasses.fake_tensor import FakeTensorMode  # likewise
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.fx import GraphModule, Interpreter, Node

from slicegraph.errors import InputError
from slicegraph.formats.traced import Origin


def joint(program: ExportedProgram) -> GraphModule:
    """Give the graph of a functional program and of its backward pass.

    Parameters
    ----------
    program
        After ``run_decompositions``, with the size of every dimension.

    Returns
    -------
        It takes what the program takes, then a gradient for each output that has one, and gives what the program gives,
        None for inputs that it returns, then the gradients of the parameters that require them.

    Raises
    ------
    InputError
        No parameter requires a gradient, or PyTorch cannot differentiate the program.
    """
    given = _given(program)
    if not any(each.requires_grad for each in given):
        raise InputError("training: no parameter requires a gradient")

    def forward(*args: Any) -> tuple[Any, ...]:  # noqa: ANN401 - tensors and numbers
        stored = {_storage(each) for each in args if isinstance(each, torch.Tensor)}
        made = Interpreter(program.graph_module).run(*args)
        # Inputs that are returned as they are have no backward pass, and PyTorch refuses them here.
        return tuple(None if isinstance(each, torch.Tensor) and _storage(each) in stored else each for each in made)

    try:
        with meta_of_nodes.preserve_node_meta(), torch.enable_grad():
            found: GraphModule = aot_export_joint_simple(forward, given, trace_joint=True)
    except Exception as error:  # there is no end of what an operator may raise
        line = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        where = traceback.extract_tb(error.__traceback__)[-1].name
        raise InputError(f"training: no backward pass: {type(error).__name__} in {where}: {line:.200}") from error
    return found


def returned(graph: GraphModule) -> Sequence[Any]:
    """Give what a graph returns, in order: nodes, numbers, None."""
    (node,) = graph.graph.find_nodes(op="output")
    listed: Sequence[Any] = node.args[0]
    return listed


def origin_of(node: Node) -> Origin:
    """Say where a node of a joint graph comes from: by the number that autograd gives to the forward operation."""
    return Origin(key=node.meta.get("seq_nr"), is_backward=is_backward(node))


def is_backward(node: Node) -> bool:
    """Say whether a node is of the backward pass of a joint graph."""
    return bool(node.meta.get("partitioner_tag") == "is_backward")


def _storage(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)  # noqa: SLF001 - an id


def _given(program: ExportedProgram) -> tuple[torch.Tensor, ...]:
    """Make what the program takes, without values."""
    vals = [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder"]
    # What had a symbolic dimension has lost its device.
    homes = [val.device for val in vals if isinstance(val, torch.Tensor) and val.device.type != "meta"]
    home = homes[0] if homes else torch.device("meta")
    with FakeTensorMode():
        return tuple(
            _made(val, home, requires_grad=_is_trained(program, spec)) if isinstance(val, torch.Tensor) else val
            for val, spec in zip(vals, program.graph_signature.input_specs, strict=True)
        )


def _made(val: torch.Tensor, home: torch.device, *, requires_grad: bool) -> torch.Tensor:
    device = home if val.device.type == "meta" else val.device
    made = torch.empty_strided(val.shape, val.stride(), dtype=val.dtype, device=device)
    return made.requires_grad_(requires_grad)


def _is_trained(program: ExportedProgram, spec: Any) -> bool:  # noqa: ANN401 - PyTorch gives its type no other name
    held = program.state_dict.get(spec.target) if spec.kind == InputKind.PARAMETER else None
    return held is not None and bool(held.requires_grad)
