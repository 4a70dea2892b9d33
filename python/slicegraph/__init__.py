"""Cut a neural network's computation graph into pipeline stages, and prove how close to the best it is."""

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
from slicegraph.graph import Graph, read, write
from slicegraph.live_bytes import live_bytes
from slicegraph.lower_bound import lower_bound
from slicegraph.plan import Plan
from slicegraph.result import Result, Status
from slicegraph.search import BrkgaParams, search
from slicegraph.slice import Slicing, slice_order
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
from slicegraph.version import __version__
from slicegraph.why import explain

__all__ = [
    "BlockCost",
    "Bound",
    "BrkgaParams",
    "Certificate",
    "CertificateError",
    "Comparison",
    "Constraints",
    "CutTensor",
    "Device",
    "Difference",
    "Explanation",
    "Graph",
    "InputError",
    "Instance",
    "MaxEvaluations",
    "MaxRuntime",
    "MaxWork",
    "PipelineRun",
    "Plan",
    "Progress",
    "Result",
    "Slicing",
    "Stage",
    "StageError",
    "StageRun",
    "Status",
    "Stop",
    "Sweep",
    "SweepRow",
    "Target",
    "TargetGap",
    "Verdict",
    "__version__",
    "audit",
    "check",
    "compare",
    "explain",
    "from_jax",
    "from_torch",
    "generate",
    "live_bytes",
    "lower_bound",
    "profile",
    "read",
    "run_pipeline",
    "search",
    "slice_order",
    "solve",
    "split",
    "sweep",
    "verify_split",
    "write",
]
