"""Trace PyTorch models: one node per ATen operator of an exported program, facts by operator, nothing computed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind
from torch.fx import Node

from slicegraph.formats import traced
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.counting import Formula, Formulas, Trips
from slicegraph.formats.torch.dims import fix
from slicegraph.formats.torch.exporting import exported
from slicegraph.formats.torch.joint import joint, returned
from slicegraph.formats.torch.names import kept_apart
from slicegraph.formats.torch.vals import nbytes
from slicegraph.formats.torch.walk import Walk
from slicegraph.formats.traced import Program, Value

__all__ = ["exported", "trace"]


def trace(
    exported: ExportedProgram,
    *,
    name: str,
    dims: Mapping[str, int] | None = None,
    flops: Mapping[str, Formula] | None = None,
    trips: Mapping[str, int] | None = None,
    training: bool = False,
) -> GraphArrays:
    """Trace an exported program as a graph of nodes and tensors.

    Parameters
    ----------
    exported
        What ``torch.export.export`` made of a model.
    name
        What the graph is called.
    dims
        Sizes of symbolic dimensions, by the name of the symbol or of the ``torch.export.Dim``.
    flops
        What operators compute, by name (`slicegraph.formats.counting.given.Formula`); it goes before all rules.
    trips
        How often a ``while_loop`` runs (`slicegraph.formats.counting.trips.Trips`).
    training
        With the backward pass, which PyTorch makes (`slicegraph.formats.torch.joint`), as a training graph.

    Returns
    -------
        The graph in the program's order, with its facts and without its work.  Parameters are no nodes: weights,
        buffers, constants, and whatever is computed from them alone.

    Raises
    ------
    InputError
        A dimension is symbolic and has no size, nothing is left to run, or there is no backward pass.

    Notes
    -----
    - A node of the exported program is one node of the graph, with its name as the last part of the node's, after the
      path of its module.  What becomes of it in a functional program, such as a copy and a view for ``reshape``, is one
      node together; what ``torch.no_grad`` keeps apart stays several, as ``path/inner/name``.
    - The program is made functional and keeps the operators that the model calls: ``linear``, ``layer_norm``,
      ``scaled_dot_product_attention``.  ``cond``, ``while_loop``, ``scan`` and ``map`` stay one node each: ``scan`` and
      ``map`` count their body once per element, ``while_loop`` as often as ``trips`` says, else once, and is then
      marked as a guess; ``cond`` counts its more expensive branch.  Layers of an LSTM, GRU or RNN of ``torch.nn`` are
      one node each, unless dropout is at work between them, or the program was exported by others.
    - An operator is a view if its schema says that its result shares its input's memory.
    - ``flops``: 2 for a multiply-accumulate, 1 more per element for a bias, 5 per score for attention's softmax; the
      rest as the ONNX reader counts (tables in ``flops.py`` and ``contractions.py``), and so ``read_bytes``,
      ``write_bytes`` and ``param_bytes``.  ``flex_attention`` counts what modifies and masks scores for each score.
    - An operator without a rule counts by the formula that is registered with PyTorch's counter
      (``torch.utils.flop_counter.register_flop_formula``), else as the operators that PyTorch decomposes it into; else
      it is guessed by the bytes that it moves (`slicegraph.formats.facts.priced`) and marked as a guess.
    - A parameter or buffer that several nodes read is one of ``param_size``, as are tied weights and views of all of
      one; of a slice, that slice alone.  What a model unpacks from parameters in each run, such as weights of four bits
      or those that it casts, is stored as it is packed.
    - ``dtype``: the widest floating-point type among a node's operands, else the widest of theirs.
    - A buffer that the model writes to is no parameter but state: its bytes are ``state_bytes`` of the node that makes
      what it holds in the end, and what other nodes read of it before costs them no memory.  It is no output.  An input
      that the model writes to counts as an output.
    - What changes part of a value that is not needed as it was writes that part alone (`slicegraph.formats.in_place`).
    - What is not used is left out.
    """
    program = exported.run_decompositions({})
    fix(program, dims or {})
    signature = program.graph_signature
    state_names = set(signature.buffers_to_mutate.values())
    parameters: dict[Hashable, Value] = {}
    inputs: list[Value] = []
    given: list[Value] = []
    state: dict[str, Value] = {}
    placeholders = [node for node in program.graph.nodes if node.op == "placeholder"]
    for node, spec in zip(placeholders, signature.input_specs, strict=True):
        value = _input(node, spec.target)
        if spec.kind == InputKind.USER_INPUT:
            inputs.append(value)
        elif spec.target in state_names:
            state[spec.target] = value
        else:
            value = parameters.setdefault(_memory(program, spec.target, value), value)
        given.append(value)
    formulas, said = Formulas(flops), Trips(trips)
    walk = Walk(formulas, said, kept_apart(exported))
    graph, gradients = program.graph_module, []
    if training:
        graph = joint(program)
        # What comes from the loss.
        gradients = [_input(node) for node in graph.graph.find_nodes(op="placeholder")[len(given) :]]
    steps, _ = walk.graph(graph, [*given, *gradients])
    formulas.check_used()
    said.check_used()
    kept: dict[Value, Value] = {}
    outputs: list[Value] = []
    parts = returned(graph)
    for place, part in enumerate(parts):
        values = walk.made[part] if isinstance(part, Node) else []
        spec = signature.output_specs[place] if place < len(signature.output_specs) else None
        if values and spec is not None and spec.kind == OutputKind.BUFFER_MUTATION:
            (kept[state[spec.target]],) = values
        else:
            outputs += values
    return traced.arrays(
        Program(
            name=name,
            steps=steps,
            inputs=[*inputs, *gradients],
            parameters=[*parameters.values(), *walk.parameters],
            outputs=outputs,
            state=kept,
            origins=walk.origins if training else None,
        )
    )


def _input(node: Node, target: str | None = None) -> Value:
    return Value(nbytes=nbytes(node.meta.get("val"), node.name), name=target or node.name)


def _memory(program: ExportedProgram, name: str | None, value: Value) -> Hashable:
    """Say where a parameter is stored, so that tied ones and views of all of one are one; unknown: it is its own."""
    held = program.state_dict.get(name, program.constants.get(name))
    if not isinstance(held, torch.Tensor) or held.layout != torch.strided:
        return value
    return held.untyped_storage()._cdata, held.storage_offset(), held.numel() * held.itemsize  # noqa: SLF001 - an id
