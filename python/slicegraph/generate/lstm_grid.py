"""Recurrent networks, unrolled."""

from __future__ import annotations

from slicegraph.generate.checks import check_counts
from slicegraph.generate.facts import FactsBuilder
from slicegraph.graph import Graph


def lstm_grid(*, num_layers: int = 8, num_steps: int = 32, hidden: int = 1024, batch: int = 64) -> Graph:
    """Make layers of LSTM cells, unrolled over the steps of a sequence.

    A cell reads the state of the layer below (in the lowest layer, the step's input), and its own layer's two states,
    hidden and cell, from the step before (at the first step, a model input each). It makes two tensors: its hidden
    state, for the layer above and the next step, and its cell state, for the next step alone. The model returns the
    hidden states of the highest layer and the states after the last step.

    Parameters
    ----------
    num_layers, num_steps
        Of the grid.
    hidden
        Elements of a state, and of a step's input.
    batch
        Sequences at once.

    Returns
    -------
    Graph
        Of ``num_layers * num_steps`` nodes, step by step, and ``2 * num_nodes + num_steps + 2 * num_layers`` tensors,
        with flops, bytes read and written, and parameters, by formula, at two bytes for each element. A layer's
        parameters are counted at the first step, and read at all. It names no device.

    Raises
    ------
    InputError
        When a parameter is not a positive integer.

    Notes
    -----
    O(nodes). A cell has one matrix of ``2 * hidden`` rows and ``4 * hidden`` columns, a bias, and 9 elementwise
    operations for each element of the state. Source: Hochreiter and Schmidhuber, *Long Short-Term Memory*, Neural
    Computation 9 (1997).

    Examples
    --------
    >>> import slicegraph as sg
    >>> sg.generate.lstm_grid(num_layers=2, num_steps=10)
    <Graph 'lstm_grid-2x10-h1024-b64': 20 nodes, 54 tensors>
    """
    check_counts(num_layers=num_layers, num_steps=num_steps, hidden=hidden, batch=batch)
    builder = FactsBuilder(f"lstm_grid-{num_layers}x{num_steps}-h{hidden}-b{batch}")
    state = batch * hidden
    parameters = 4 * hidden * (2 * hidden + 1)
    flops = 2 * batch * 4 * hidden * 2 * hidden + 4 * state + 9 * state
    own = [(builder.model_input(state), builder.model_input(state)) for _ in range(num_layers)]
    for step in range(num_steps):
        below = builder.model_input(state)
        for layer in range(num_layers):
            below = builder.node(
                "lstm_cell",
                f"layer{layer}.step{step}",
                [below, *own[layer]],
                state,
                flops=flops,
                parameters=0 if step else parameters,
                shared_parameters=parameters if step else 0,
            )
            own[layer] = below, builder.another(state)
        builder.model_output(below)
    for hidden_state, cell_state in own:
        builder.model_output(hidden_state)
        builder.model_output(cell_state)
    return builder.graph()
