"""Orders for labels, and words of tensors."""

from __future__ import annotations

from questions import Question, to_problem
from scopes import cases
from slicegraph.certificate.frontiers import deep_order, natural_order, touches
from slicegraph.certificate.order import Order
from slicegraph.certificate.quotient import Quotient
from strategies import CHAIN


def test_orders_are_those_of_hints_where_numbers_do_not_ascend() -> None:
    nodes = {"op": ["op"] * 5, "work": [1.0] * 5}
    tensors = {"producer": [3, 0, 4], "size": [1, 1, 1], "consumers": [[0, 1], [2], [1]]}
    problem = to_problem(Question(CHAIN | {"nodes": nodes, "tensors": tensors}, {"bandwidth": 1.0}, 2))
    order = Order(Quotient(problem))
    assert natural_order(order) == [3, 0, 2, 4, 1]
    assert deep_order(problem, order) == [3, 4, 1, 0, 2]


def test_an_order_has_every_node_once_and_arcs_lead_on() -> None:
    for case in cases(200):
        reach, _ = case.scope()
        for nodes in (natural_order(reach.order), deep_order(case.problem, reach.order)):
            assert sorted(nodes) == list(range(case.problem.num_nodes))
            for node, readers in enumerate(reach.order.successors):
                assert all(nodes.index(node) < nodes.index(reader) for reader in readers)


def test_tensors_across_a_place_stand_in_places_of_their_own() -> None:
    for case in cases(200):
        reach, scope = case.scope()
        quotient = reach.quotient
        nodes = natural_order(reach.order)
        touched, num_slots = touches(quotient, scope, nodes)
        assert [len(each) for each in touched] == [len(quotient.touching[node]) for node in nodes]
        assert all(touch.slot < num_slots for each in touched for touch in each)
        for each in touched:
            assert len({touch.slot for touch in each}) == len(each)
