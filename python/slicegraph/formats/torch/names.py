"""What a node of a functional program is called in the program that it was made of, which is the user's own."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Final

from torch._ops import HigherOrderOperator  # PyTorch gives their type no other name
from torch.export import ExportedProgram
from torch.fx import Node

BACKWARD: Final = "backward"
"""Stands in names of backward nodes, before the last part."""
# How PyTorch calls the module of what it puts in by itself.
_NO_MODULE: Final = "_empty_nn_module_stack_from_metadata_hook"


def origin(node: Node) -> str:
    """Name the node that a node was made of; PyTorch before 2.7 does not say, and most are called alike."""
    sources = node.meta.get("from_node") or ()
    return str(sources[-1].name) if sources else node.name


def module_path(node: Node) -> str:
    """Give the path of the module that a node belongs to; "": the whole, or not known.

    Of a backward node that of the forward operation.
    """
    modules = node.meta.get("nn_module_stack") or node.meta.get("fwd_nn_module_stack") or {}
    path = str(next(reversed(modules.values()), ("",))[0])
    return "" if path == _NO_MODULE else path


def kept_apart(program: ExportedProgram) -> AbstractSet[str]:
    """Name the nodes that run graphs of their own, as what is under ``torch.no_grad`` does."""
    return {node.name for node in program.graph.nodes if isinstance(node.target, HigherOrderOperator)}


def node_name(node: Node, path: str, owner: str, *, is_apart: bool) -> str:
    """Name a node: the path of its module, then the user's node; before that its own name, if it is one of several."""
    return "/".join(filter(None, (path, node.name if is_apart else "", owner)))


def backward_name(node: Node, path: str) -> str:
    """Name a node of the backward pass: the path of its forward's module, the word, and its own name."""
    return "/".join(filter(None, (path, BACKWARD, node.name)))
