"""Recurrent modules of several layers are exported layer by layer, so that they can be cut between these."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import torch

_WITH_CELL: Final = "lstm"
_KINDS: Final = (_WITH_CELL, "gru", "rnn_tanh", "rnn_relu")
_FUNCTIONS: Final = torch._VF  # noqa: SLF001 - what torch.nn calls
_LOCK: Final = threading.RLock()  # these functions are those of the whole process


@contextmanager
def layer_by_layer() -> Iterator[None]:
    """Let ``torch.nn``'s LSTM, GRU and RNN call their layers one after the other, with the same results.

    Not where dropout between layers is at work, nor for packed sequences.
    """
    with _LOCK:
        before = {kind: getattr(_FUNCTIONS, kind) for kind in _KINDS}
        try:
            for kind, function in before.items():
                setattr(_FUNCTIONS, kind, _opened(kind, function))
            yield
        finally:
            for kind in before:
                delattr(_FUNCTIONS, kind)


def _opened(kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def layers(*args: Any) -> Any:  # noqa: ANN401 - tensors, and what else the function takes
        x, state, weights, *options = args
        if not isinstance(weights, list | tuple):  # of a packed sequence, the sizes of batches stand second
            return function(*args)
        has_biases, num_layers, dropout, is_training, is_bidirectional, batch_first = options
        if num_layers == 1 or (dropout and is_training):
            return function(*args)
        states = state if kind == _WITH_CELL else (state,)
        directions = 2 if is_bidirectional else 1
        found: list[Sequence[Any]] = []
        for layer in range(num_layers):
            begin, each = layer * directions, len(weights) // num_layers
            own = tuple(part[begin : begin + directions] for part in states)
            own_weights = weights[layer * each : (layer + 1) * each]
            own_state = own if kind == _WITH_CELL else own[0]
            x, *last = function(
                x, own_state, own_weights, has_biases, 1, 0.0, is_training, is_bidirectional, batch_first
            )
            found.append(last)
        return (x, *(torch.cat(parts) for parts in zip(*found, strict=True)))

    return layers
