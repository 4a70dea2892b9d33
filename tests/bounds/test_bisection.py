"""Two blocks of dense graphs: optimal, and proved again by the tree of cases alone."""

from __future__ import annotations

import copy

import pytest

import slicegraph as sg
from slicegraph.certificate import codec
from slicegraph.certificate.model import Certificate

MODELS = ("barabasi_albert", "erdos_renyi", "stochastic_block", "watts_strogatz")


@pytest.mark.parametrize("model", MODELS)
def test_a_random_graph_is_optimal_in_two_blocks_and_its_tree_is_proved_again(model: str) -> None:
    """The solver proves the optimum, the checker proves it by the tree, and a tree that is cut short is refused."""
    graph = sg.generate.regal(model=model, num_nodes=80, seed=7)
    result = sg.solve(sg.Instance(graph, num_blocks=2), stop=sg.MaxRuntime(30))
    assert result.status == "optimal"
    verdict = sg.check(graph, result.certificate)
    assert (verdict.lower_bound, verdict.proved_by) == (result.bottleneck, "bisection")
    plain = sg.check(graph, result.certificate, slow=True)
    assert (plain.lower_bound, plain.proved_by, plain.implementation) == (result.bottleneck, "bisection", "python")
    document = copy.deepcopy(result.certificate.document)
    search = next(bound["downsets"] for bound in document["bounds"] if bound["downsets"])
    tree = codec.unpack(search["hints"], 2**20)
    assert tree[0] == 11, "the section of bisection"
    search["hints"] = codec.pack(tree[:-2])
    with pytest.raises(sg.CertificateError, match="the log ends too soon"):
        sg.check(graph, Certificate.of(document))
