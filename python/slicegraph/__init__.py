"""Cut a neural network's computation graph into pipeline stages, and prove how close to the best it is."""

from slicegraph import generate
from slicegraph.audit import audit
from slicegraph.certificate.check import Verdict, check
from slicegraph.certificate.model import Certificate
from slicegraph.cost import BlockCost, Instance
from slicegraph.device import Device
from slicegraph.errors import CertificateError, InputError
from slicegraph.graph import Graph, read, write
from slicegraph.lower_bound import lower_bound
from slicegraph.result import Bound, Result, Status
from slicegraph.search import BrkgaParams, search
from slicegraph.slice import Slicing, slice_order
from slicegraph.solve import solve
from slicegraph.stop import MaxEvaluations, MaxRuntime, Progress, Stop, TargetGap
from slicegraph.trace import from_jax, from_torch

__all__ = [
    "BlockCost",
    "Bound",
    "BrkgaParams",
    "Certificate",
    "CertificateError",
    "Device",
    "Graph",
    "InputError",
    "Instance",
    "MaxEvaluations",
    "MaxRuntime",
    "Progress",
    "Result",
    "Slicing",
    "Status",
    "Stop",
    "TargetGap",
    "Verdict",
    "audit",
    "check",
    "from_jax",
    "from_torch",
    "generate",
    "lower_bound",
    "read",
    "search",
    "slice_order",
    "solve",
    "write",
]
