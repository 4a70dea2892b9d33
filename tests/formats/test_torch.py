"""PyTorch models as graphs: every fact worked out by hand; skipped where PyTorch is not installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from onnx import parser

import slicegraph as sg
from traced import facts, stored

torch = pytest.importorskip("torch", reason="PyTorch is optional, and large")


_Module: Any = torch.nn.Module


class _Calling(_Module):  # type: ignore[misc] # its type is not known where it is not installed
    """A module that calls a function, with parameters by name."""

    def __init__(self, function: Callable[..., Any], **parameters: Any) -> None:
        super().__init__()
        self.function = function
        for name, value in parameters.items():
            self.register_buffer(name, value)

    def forward(self, *args: Any) -> Any:
        return self.function(self, *args)


def _graph(function: Callable[..., Any], *args: Any, **parameters: Any) -> sg.Graph:
    with torch.no_grad():
        return sg.from_torch(_Calling(function, **parameters).eval(), args, name="f")


def _total(graph: sg.Graph) -> int:
    assert graph.arrays.flops is not None
    return int(graph.arrays.flops.sum())


def _mlp() -> Any:
    return torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.ReLU(), torch.nn.Linear(4, 3), torch.nn.ReLU())


def test_a_network_in_full() -> None:
    """Two layers of widths 5, 4, 3 for 2 samples: a product with its bias, and a nonlinearity."""
    arrays = sg.from_torch(_mlp(), (torch.ones(2, 5),)).arrays
    assert arrays.name == "Sequential"
    assert list(arrays.op) == ["linear", "relu"] * 2
    assert arrays.producer.tolist() == [-1, 0, 1, 2, 3]
    assert arrays.size.tolist() == [40, 32, 32, 24, 24]
    assert arrays.consumers.tolist() == [0, 1, 2, 3]
    assert arrays.consumer_offsets.tolist() == [0, 1, 2, 3, 4, 4]
    assert arrays.is_output is not None
    assert arrays.is_output.tolist() == [False] * 4 + [True]
    assert [
        [int(number) for number in part]
        for part in (arrays.flops, arrays.read_bytes, arrays.write_bytes, arrays.param_bytes)
        if part is not None
    ] == [
        [2 * 2 * 5 * 4 + 8, 8, 2 * 2 * 4 * 3 + 6, 6],
        [40 + 80 + 16, 32, 32 + 48 + 12, 24],
        [32, 32, 24, 24],
        [96, 0, 60, 0],
    ]
    assert arrays.node_name is not None
    assert list(arrays.node_name) == ["0/linear", "1/relu", "2/linear_1", "3/relu_1"]


def test_the_same_network_in_onnx_gives_the_same_graph(tmp_path: Path) -> None:
    """Both readers follow one set of conventions."""
    stored = ", ".join(
        f'{declared} = ["location": "absent"]'
        for declared in ("float[4,5] v", "float[4] a", "float[3,4] w", "float[3] b")
    )
    text = f"""<ir_version: 9, opset_import: ["": 17]> g (float[2,5] x) => (float[2,3] y) <{stored}>
        {{ p = Gemm<transB=1>(x, v, a) q = Relu(p) r = Gemm<transB=1>(q, w, b) y = Relu(r) }}"""
    path = tmp_path / "mlp.onnx"
    path.write_bytes(parser.parse_model(text).SerializeToString())
    assert sg.from_torch(_mlp(), (torch.ones(2, 5),)).digest == sg.read(path).digest


def test_an_exported_program_gives_the_same_graph_as_its_module() -> None:
    """And so does the module, traced again; a program takes no arguments."""
    module, args = _mlp(), (torch.ones(2, 5),)
    digest = sg.from_torch(module, args).digest
    program = torch.export.export(module, args)
    assert sg.from_torch(program).digest == sg.from_torch(module, args).digest == digest
    with pytest.raises(sg.InputError, match=r"^ExportedProgram: an exported program is traced as it was exported"):
        sg.from_torch(program, args)


def test_totals_of_products_agree_with_pytorch() -> None:
    """What its own counter sees of an encoder layer, and beside it biases, normalisation and the rest."""
    flop_counter = importlib.import_module("torch.utils.flop_counter")
    layer = torch.nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
    x = torch.ones(2, 5, 16)
    with flop_counter.FlopCounterMode(display=False) as counter:
        layer(x)
    biases = 10 * (48 + 16 + 32 + 16)
    scores = 5 * 2 * 2 * 5 * 5
    elementwise = 160 + 160 + 320
    normalisations = 5 * 160 * 2
    graph = sg.from_torch(layer, (x,))
    assert _total(graph) == counter.get_total_flops() + biases + scores + elementwise + normalisations


def test_what_is_computed_from_parameters_alone_is_a_parameter() -> None:
    """A transposed weight counts as stored, a part or a masked one as what it has become; a new tensor takes shape."""
    weight, x = torch.ones(4, 5), torch.ones(2, 5)
    graph = _graph(lambda self, x: x @ self.w.t(), x, w=weight)
    assert list(graph.arrays.op) == ["matmul"]
    assert facts(graph.arrays, "matmul") == (2 * 2 * 5 * 4, 40 + 80, 32, 80)
    assert facts(_graph(lambda self, x: x + self.w[0].expand(2, 5), x, w=weight).arrays, "add") == (10, 60, 40, 20)
    assert facts(_graph(lambda self, x: x + self.w[:2] * 2, x, w=weight).arrays, "add") == (10, 80, 40, 40)
    graph = _graph(lambda _, x: x + torch.ones_like(x).tril(), x)
    assert facts(graph.arrays, "add") == (10, 80, 40, 40)


def test_random_numbers_are_no_parameters() -> None:
    """A node that reads nothing and draws numbers stays a source."""
    graph = _graph(lambda _, x: x + torch.rand(3), torch.ones(3))
    assert list(graph.arrays.op) == ["rand", "add"]
    assert graph.arrays.producer.tolist() == [-1, 0, 1]


def test_results_of_one_operator_are_its_tensors() -> None:
    """Those in use are tensors, and written; unused ones are left out."""
    graph = _graph(lambda _, x, _unread: torch.topk(x, 2), torch.ones(4, 8), torch.ones(3))
    assert list(graph.arrays.op) == ["topk"]
    assert graph.arrays.producer.tolist() == [-1, 0, 0]
    assert graph.arrays.size.tolist() == [128, 32, 64]
    assert facts(graph.arrays, "topk") == (4 * 8, 128, 96, 0)
    graph = _graph(lambda _, x: (torch.tanh(x), torch.topk(x, 2)[1] + 1)[1], torch.ones(4, 8))
    assert list(graph.arrays.op) == ["topk", "add"]
    assert graph.arrays.size.tolist() == [128, 64, 64]
    assert facts(graph.arrays, "topk") == (32, 128, 64, 0)


def test_a_model_may_return_inputs_parameters_and_numbers() -> None:
    """An input that is returned is a tensor of its own right; the others are none."""
    graph = _graph(
        lambda self, x, z: (x, self.w, {"y": x @ self.w}, 3.0, z, None),
        torch.ones(2, 5),
        torch.ones(3),
        w=torch.ones(5, 4),
    )
    assert graph.arrays.producer.tolist() == [-1, -1, 0]
    assert graph.arrays.size.tolist() == [40, 12, 32]
    assert graph.arrays.is_output is not None
    assert graph.arrays.is_output.tolist() == [True] * 3


def test_writing_in_place_makes_a_new_value() -> None:
    """Later readers take the new value; a buffer that is written to is state of the node that does, and no output."""

    def function(self: Any, x: Any) -> Any:
        y = x * 2
        y += x
        self.state.add_(x)
        return y

    graph = _graph(function, torch.ones(3), state=torch.ones(3))
    assert sorted(graph.arrays.op) == ["add", "add", "mul"]
    assert graph.arrays.is_output is not None
    assert graph.arrays.is_output.sum() == 1
    assert graph.arrays.state_bytes is not None
    assert sorted(graph.arrays.state_bytes.tolist()) == [0, 0, 12]
    assert stored(graph.arrays) == 0


def test_a_region_that_is_kept_apart_is_inlined() -> None:
    """Compiled once and called twice, it is as many nodes as without, in the place of each call."""
    region = torch.compiler.nested_compile_region(lambda x, w: (x @ w, x @ w, x.sin()))

    class Model(_Module):  # type: ignore[misc] # see above
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("w", torch.ones(4, 4))

        def forward(self, x: Any) -> Any:
            first, second, third = region(x, self.w)
            fourth, _, fifth = region(third, self.w)
            return first * 2, second * 3, fourth * 4, fifth

    kept, plain = (torch.export.export(Model(), (torch.ones(2, 4),), strict=strict) for strict in (True, False))
    assert len([node for node in kept.graph.nodes if "invoke_subgraph" in str(node.target)]) == 2
    assert sg.from_torch(kept).digest == sg.from_torch(plain).digest


def test_loops_and_branches_are_one_node_each() -> None:
    """Scan counts its body once per element, a loop once, a branch as the more expensive; the weights count once."""
    higher = importlib.import_module("torch._higher_order_ops.scan")
    w, x, rows = torch.ones(4, 4), torch.ones(2, 4), torch.ones(7, 2, 4)
    graph = _graph(lambda self, x, rows: higher.scan(lambda c, row: (c @ self.w + row, c * 2), x, rows), x, rows, w=w)
    assert list(graph.arrays.op) == ["scan"]
    reads, writes = (32 + 64) + (32 + 32) + 32, 3 * 32
    assert facts(graph.arrays, "scan") == (7 * (64 + 8 + 8), 7 * reads, 7 * writes, 64)

    graph = _graph(
        lambda self, p, x: torch.cond(p, lambda x: x @ self.w, lambda x: x + 1, (x,)), torch.tensor(data=True), x, w=w
    )
    assert list(graph.arrays.op) == ["cond"]
    assert facts(graph.arrays, "cond") == (64, 1 + 32 + 64, 32, 64)

    loop = importlib.import_module("torch._higher_order_ops.while_loop").while_loop
    graph = _graph(
        lambda self, i, x: loop(lambda i, _: i < 3, lambda i, x: (i + 1, x @ self.w), (i, x))[1],
        torch.tensor(0),
        x,
        w=w,
    )
    assert list(graph.arrays.op) == ["while_loop"]
    assert facts(graph.arrays, "while_loop") == (64 + 1 + 1, 8 + 8 + 32 + 64, 1 + 8 + 32, 64)


def test_a_traced_encoder_is_cut_and_proven() -> None:
    """From the model to a certificate that holds."""
    layer = torch.nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    graph = sg.from_torch(torch.nn.TransformerEncoder(layer, 2).eval(), (torch.ones(2, 5, 16),))
    result = sg.solve(sg.Instance(graph, num_blocks=2, device=sg.Device.preset("testbed")), stop=sg.MaxRuntime(5))
    assert sg.check(graph, result.certificate).bottleneck == result.bottleneck


def test_what_cannot_be_traced_is_refused_in_one_line() -> None:
    """With what is wrong, and where."""
    dynamic = torch.export.export(_mlp(), (torch.ones(2, 5),), dynamic_shapes=({0: torch.export.Dim("batch", max=64)},))
    with pytest.raises(sg.InputError, match=r"^f: input has the symbolic dimension s\d+: all sizes must be known"):
        sg.from_torch(dynamic, name="f")
    with pytest.raises(sg.InputError, match=r"^f: nonzero has the symbolic dimension u\d+: all sizes must be known"):
        _graph(lambda _, x: x.nonzero() + 1, torch.ones(3))
    with pytest.raises(sg.InputError, match=r"^function: function is neither a torch.nn.Module nor a torch.export"):
        sg.from_torch(lambda x: x)
    with pytest.raises(sg.InputError, match=r"^f: nothing is left to run: what is returned takes parameters alone$"):
        _graph(lambda self, _: self.w * 2, torch.ones(3), w=torch.ones(3))


def test_without_torch_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch is optional."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(sg.InputError, match=r"^tracing takes the torch package; pip install slicegraph\[torch\]$"):
        sg.from_torch(None)


def test_an_operator_without_a_rule_is_a_guess_unless_a_formula_counts_it() -> None:
    """A custom operator is marked, in both ways of writing its name; what PyTorch counts or tags is none."""

    @torch.library.custom_op("slicegraph_tests::twist", mutates_args=())  # type: ignore[untyped-decorator] # see above
    def twist(x: torch.Tensor) -> torch.Tensor:  # type: ignore[name-defined] # likewise
        return x.clone()

    twist.register_fake(torch.empty_like)

    def function(module: Any, x: Any) -> Any:
        return torch.relu(torch.ops.slicegraph_tests.twist(x @ module.w))

    graph = _graph(function, torch.ones(2, 3), w=torch.ones(3, 4))
    assert graph.arrays.is_guess is not None
    marked = {op for op, is_guess in zip(graph.arrays.op, graph.arrays.is_guess, strict=True) if is_guess}
    assert marked == {"slicegraph_tests.twist"}
    module = _Calling(function, w=torch.ones(3, 4)).eval()
    for given in (
        {"slicegraph_tests::twist": "7 * out0"},
        {"slicegraph_tests.twist": lambda inputs, _: 7 * inputs[0][1] * 2},
    ):
        counted = sg.from_torch(module, (torch.ones(2, 3),), flops=given)
        assert counted.arrays.is_guess is not None
        assert not counted.arrays.is_guess.any()
        assert facts(counted.arrays, "slicegraph_tests.twist")[0] == 56
