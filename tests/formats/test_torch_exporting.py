"""What PyTorch cannot export is told in one line that says where, why, and what to change."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import slicegraph as sg
from torch_models import Calling

torch = pytest.importorskip("torch", reason="PyTorch is optional, and large")


class DynamicCache:
    """What no one has registered with PyTorch."""

    def __init__(self) -> None:
        self.keys = torch.ones(4)


def _branch(x: Any) -> Any:
    return x + 1 if x.sum() > 0 else x


def _fault(x: Any) -> Any:
    return x @ torch.ones(3, 3)


HERE = re.escape(str(Path(__file__)))
FAULTS: dict[str, tuple[Callable[..., Any], Any, str]] = {
    "branch": (_branch, (torch.ones(4),), rf"{HERE}:\d+: control flow or a size depends .* torch\.cond"),
    "returned cache": (lambda x: (x, DynamicCache()), (torch.ones(4),), "it returns a DynamicCache.*use_cache=False"),
    "given cache": (lambda x: x.keys, (DynamicCache(),), "it is given a DynamicCache.*use_cache=False"),
    "no argument": (lambda x: x + 1, (), r".*torch\.export: \w+: .*; strict=(True|False) exports it in the other way"),
    "wrong shape": (_fault, (torch.ones(4, 4),), r".*torch\.export: \w+: .*"),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("strict", [False, True])
def test_a_fault_is_one_line_that_says_what_to_change(name: str, *, strict: bool) -> None:
    """Whichever way it is exported."""
    function, args, told = FAULTS[name]
    with pytest.raises(sg.InputError, match=f"^model: {told}") as caught:
        sg.from_torch(Calling(function), args, name="model", strict=strict)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(("args", "kwargs"), [((), {}), ((1, 2), {}), ((), {"y": 1}), ((1,), {"input": 1})])
def test_arguments_that_do_not_fit_are_told(args: Any, kwargs: Any, *, strict: bool) -> None:
    """No other way to export takes them either."""
    with pytest.raises(sg.InputError, match=r"^Linear: args and kwargs are not what its forward takes: [^;]*$"):
        sg.from_torch(torch.nn.Linear(4, 4), args, kwargs, strict=strict)


def test_strict_is_a_flag() -> None:
    """Nothing else stands for one."""
    with pytest.raises(sg.InputError, match=r"^strict = 1, but it is True or False$"):
        sg.from_torch(Calling(_branch), (torch.ones(4),), strict=1)  # type: ignore[arg-type] # on purpose
