"""What a method does not take of a problem, refused by name."""

from __future__ import annotations

from collections.abc import Sequence

from slicegraph import checks
from slicegraph.cost import Instance
from slicegraph.errors import InputError


def given_order(instance: object, name: str) -> Instance:
    """Give an instance whose devices stand in a given order.

    Raises
    ------
    InputError
        When it is none, or its order is any, which ``name``, the caller, does not take.
    """
    instance = checks.instance_of("instance", instance, Instance)
    if instance.order == "any":
        raise InputError(f"{name}: it takes devices in a given order, not in any")
    return instance


def plain(instance: object, name: str) -> Instance:
    """Give an instance of which no more is asked than what every method counts.

    Raises
    ------
    InputError
        When it is none, or ``name``, the caller, does not count all that is asked.
    """
    instance = given_order(instance, name)
    if not instance.is_plain:
        rule = "it takes devices of one kind without overlap, no constraints, and parameters that one node reads"
        if instance.by_kernel:
            rule = "it takes no kernels, of which the graph has some; slicegraph profile --unfused measures nodes"
            if instance.graph.arrays.is_backward is not None:
                rule = "it takes no training graphs, of which a layer's forward and backward are in one stage"
        raise InputError(f"{name}: {rule}")
    return instance


def check_links(instance: Instance, method: str, counting: Sequence[str]) -> None:
    """Refuse a method that does not count what stages hand on, where they do.

    Raises
    ------
    InputError
        When it is none of those that are ``counting`` it.
    """
    if instance.resolved.adjacent and method not in counting:
        rule = f"it does not count what stages hand on; with adjacent links take {', '.join(counting)}"
        raise InputError(f"method {method!r}: {rule}")
