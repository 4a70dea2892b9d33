"""What a PyTorch module does when it runs: every operator that is dispatched, by its definition."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

_COPIES = {"_to_copy", "clone", "copy", "fill"}
_POOLS = {"avg_pool2d", "max_pool2d_with_indices"}
_REDUCTIONS = {"_adaptive_avg_pool2d", "mean", "sum"}
_ROWS = {"embedding", "index", "index_select"}
# Operations for each element: norms, biases, interpolations, and what is tagged as nothing.
_EACH = {
    **dict.fromkeys(("_log_softmax", "_safe_softmax", "_softmax", "native_group_norm", "native_layer_norm"), 5),
    **dict.fromkeys(("_native_batch_norm_legit_no_training", "native_batch_norm"), 2),
    **dict.fromkeys(("addmm", "addmv", "baddbmm", "hardswish"), 1),
    "upsample_bilinear2d": 8,
}


class Eager(TorchDispatchMode):  # type: ignore[misc] # torch is not installed for the types
    """Count what is dispatched, but for products, which PyTorch's own counter counts.

    Attributes
    ----------
    beside
        Operations: 1 for each element that is made, 5 to normalise, the window of a pool, all that is reduced, biases.
    moved
        Bytes of distinct tensors that operators read and write; views move nothing, and of a table rows are read.
    seen
        Bytes of the distinct memory of parameters and buffers that anything reads.
    made
        Bytes of the distinct constants that the program makes of nothing and something reads.
    """

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.beside = 0
        self.moved = 0
        self.seen: dict[int, int] = {}
        self._kept: list[torch.Tensor] = []
        self._made: dict[int, torch.Tensor] = {}
        self._copies: dict[int, int] = {}
        held = [*module.parameters(), *module.buffers()]
        self._held = {_memory(tensor): tensor.untyped_storage().nbytes() for tensor in held}
        self._constant, self._unpacked = set(self._held), set(self._held)

    @property
    def made(self) -> int:
        distinct = {(str(t.dtype), t.untyped_storage().nbytes(), _elements(t)): t for t in self._made.values()}
        return sum(tensor.untyped_storage().nbytes() for tensor in distinct.values())

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        result = func(*args, **(kwargs or {}))
        reads, made = list(_tensors((args, kwargs))), list(_tensors(result))
        self._kept += made  # so that no other memory gets its identity
        for tensor in reads:
            if (place := _memory(tensor)) in self._held:
                self.seen[place] = self._held[place]
        name = func.overloadpacket.__name__
        if name.startswith("new_") or name.endswith("_like"):
            reads = []  # they take the shape alone
        if all(_memory(tensor) in self._constant for tensor in reads) and name not in {"rand", "randn"}:
            # Of constants alone: nothing that each run has to do.
            self._constant.update(map(_memory, made))
            if any(_memory(tensor) in self._unpacked for tensor in reads):
                self._unpacked.update(map(_memory, made))
            return result
        for tensor in reads:
            if (place := _memory(tensor)) in self._constant - self._unpacked:
                self._made[place] = tensor
        self._constant.difference_update(map(_memory, made))
        is_written = any(each.alias_info is not None and each.alias_info.is_write for each in func._schema.arguments)  # noqa: SLF001
        places = {_memory(tensor) for tensor in reads}
        if not is_written and made and all(_memory(tensor) in places for tensor in made):
            return result  # a view
        name = name.removesuffix("_")
        first = made[0] if made else reads[0]
        self.beside += _operations(name, func.tags, args, reads[0].numel() if reads else 0, first.numel())
        self._move(name, reads, made or reads[:1], is_written=is_written)
        return result

    def _move(self, name: str, reads: list[torch.Tensor], made: list[torch.Tensor], *, is_written: bool) -> None:
        if name == "max_pool2d_with_indices":
            made = made[:1]  # the indices of the greatest are not used
        written = _bytes([*made, *(reads[:1] if is_written else [])])
        if name in _ROWS:
            self.moved += made[0].numel() * reads[0].itemsize + _bytes(reads[1:]) + written
        else:
            self.moved += _bytes(reads[name == "copy" :]) + written
        if name == "clone":
            self._copies[_memory(made[0])] = _bytes(reads) + written
        elif name == "bmm":
            # Eager products copy factors that do not lie side by side in memory.
            self.moved -= sum(self._copies.pop(_memory(tensor), 0) for tensor in reads)


def _operations(name: str, tags: Collection[Any], args: Sequence[Any], reads: int, made: int) -> int:
    """Count what PyTorch's counter leaves out, from the elements that are read first and made first."""
    if "attention" in name:
        return int(5 * math.prod(args[0].shape[:-1]) * args[1].shape[-2])
    if name in _POOLS:
        return int(math.prod(args[1]) * made)
    if name in _REDUCTIONS:
        return reads
    if name == "convolution":
        return made * (args[2] is not None)
    if name in _EACH:
        return _EACH[name] * made
    return made if torch.Tag.pointwise in tags and name not in _COPIES else 0


def _tensors(values: Any) -> Iterator[torch.Tensor]:  # noqa: ANN401 - nested as operators nest
    for value in tree_flatten(values)[0]:
        if isinstance(value, torch.Tensor):
            yield value


def _elements(tensor: torch.Tensor) -> Any:  # noqa: ANN401 - bytes, or of unknown type
    """Give what stands in memory, where there is any."""
    if tensor.is_meta:
        return _memory(tensor)
    return bytes(tensor.untyped_storage().tolist())


def _memory(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)  # noqa: SLF001 - an identity


def _bytes(tensors: list[torch.Tensor]) -> int:
    """Add up distinct tensors: of an expanded one the memory behind it."""
    distinct = {(_memory(t), t.storage_offset(), tuple(t.shape)): t for t in tensors}
    return sum(min(t.numel() * t.itemsize, t.untyped_storage().nbytes()) for t in distinct.values())
