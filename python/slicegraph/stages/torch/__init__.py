"""PyTorch programs cut into stages; importing it takes PyTorch."""

from slicegraph.stages.torch.comparing import compare
from slicegraph.stages.torch.modules import stage_modules

__all__ = ["compare", "stage_modules"]
