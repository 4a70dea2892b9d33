"""Cut a neural network's computation graph into pipeline stages, and prove how close to the best it is."""

import sys
from types import ModuleType

from slicegraph.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slicegraph import generate
    from slicegraph.audit import audit
    from slicegraph.block import BlockCost
    from slicegraph.certificate.check import Verdict, check
    from slicegraph.certificate.model import Certificate
    from slicegraph.compare import Comparison, compare
    from slicegraph.constraints import Constraints
    from slicegraph.cost import Instance
    from slicegraph.crossings import CutTensor, Stage
    from slicegraph.curve import Sweep, SweepRow, Target
    from slicegraph.device import Device
    from slicegraph.errors import CertificateError, InputError
    from slicegraph.evidence.bound import Bound
    from slicegraph.explanation import Explanation
    from slicegraph.from_networkx import from_networkx
    from slicegraph.grain import Group, grain
    from slicegraph.graph import Graph, read, write
    from slicegraph.live_bytes import live_bytes
    from slicegraph.lower_bound import lower_bound
    from slicegraph.measured import Coverage, with_measured
    from slicegraph.plan import Plan
    from slicegraph.result import Result, Status
    from slicegraph.search import BrkgaParams, search
    from slicegraph.slice import Slicing, slice_order
    from slicegraph.solve.many import solve_many
    from slicegraph.solve.solve import solve
    from slicegraph.stages.pipeline.errors import StageError
    from slicegraph.stages.pipeline.measure import PipelineRun, StageRun
    from slicegraph.stages.pipeline.run import run_pipeline
    from slicegraph.stages.profile import profile
    from slicegraph.stages.split import split
    from slicegraph.stages.verify_split import Difference, verify_split
    from slicegraph.stop import MaxEvaluations, MaxRuntime, MaxWork, Progress, Stop, TargetGap
    from slicegraph.sweep import sweep
    from slicegraph.trace import from_jax, from_torch
    from slicegraph.tune import tune
    from slicegraph.tuning import Round, StageTime, Tuning
    from slicegraph.why import explain
if TYPE_CHECKING:  # public, too, but a star must not hide JAX itself
    from slicegraph import jax as jax
    from slicegraph import torch as torch

_HOMES = {
    "audit": "audit",
    "block": "BlockCost",
    "certificate.check": "Verdict check",
    "certificate.model": "Certificate",
    "compare": "Comparison compare",
    "constraints": "Constraints",
    "cost": "Instance",
    "crossings": "CutTensor Stage",
    "curve": "Sweep SweepRow Target",
    "device": "Device",
    "errors": "CertificateError InputError",
    "evidence.bound": "Bound",
    "explanation": "Explanation",
    "from_networkx": "from_networkx",
    "grain": "Group grain",
    "graph": "Graph read write",
    "live_bytes": "live_bytes",
    "lower_bound": "lower_bound",
    "measured": "Coverage with_measured",
    "plan": "Plan",
    "result": "Result Status",
    "search": "BrkgaParams search",
    "slice": "Slicing slice_order",
    "solve.many": "solve_many",
    "solve.solve": "solve",
    "stages.pipeline.errors": "StageError",
    "stages.pipeline.measure": "PipelineRun StageRun",
    "stages.pipeline.run": "run_pipeline",
    "stages.profile": "profile",
    "stages.split": "split",
    "stages.verify_split": "Difference verify_split",
    "stop": "MaxEvaluations MaxRuntime MaxWork Progress Stop TargetGap",
    "sweep": "sweep",
    "trace": "from_jax from_torch",
    "tune": "tune",
    "tuning": "Round StageTime Tuning",
    "why": "explain",
}
"""The public names of each module, which is loaded when one of them is first used (PEP 562)."""
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    """Load a public name, or a module of the package."""
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = f"{__name__}.{_HOME_OF.get(name, name)}"
    try:
        __import__(home)
    except ModuleNotFoundError as error:
        if error.name != home:
            raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    module = sys.modules[home]
    if name not in _HOME_OF:
        return module
    value: object = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "jax", "torch"})


class _Package(ModuleType):
    """The package, where a public name stays what it is when the module of that name is imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOME_OF and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Pickle it by name, for functions that are sent to other processes with their code may hold it."""
        return __import__, (__name__,)


sys.modules[__name__].__class__ = _Package

__all__ = [
    "BlockCost",
    "Bound",
    "BrkgaParams",
    "Certificate",
    "CertificateError",
    "Comparison",
    "Constraints",
    "Coverage",
    "CutTensor",
    "Device",
    "Difference",
    "Explanation",
    "Graph",
    "Group",
    "InputError",
    "Instance",
    "MaxEvaluations",
    "MaxRuntime",
    "MaxWork",
    "PipelineRun",
    "Plan",
    "Progress",
    "Result",
    "Round",
    "Slicing",
    "Stage",
    "StageError",
    "StageRun",
    "StageTime",
    "Status",
    "Stop",
    "Sweep",
    "SweepRow",
    "Target",
    "TargetGap",
    "Tuning",
    "Verdict",
    "__version__",
    "audit",
    "check",
    "compare",
    "explain",
    "from_jax",
    "from_networkx",
    "from_torch",
    "generate",
    "grain",
    "live_bytes",
    "lower_bound",
    "profile",
    "read",
    "run_pipeline",
    "search",
    "slice_order",
    "solve",
    "solve_many",
    "split",
    "sweep",
    "tune",
    "verify_split",
    "with_measured",
    "write",
]
