"""What is proven of one order of devices, where any order is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from slicegraph.evidence.bound import Bound

ARRANGEMENTS: Final = "arrangements"
"""The method of a bound that is the least over all orders of the devices."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrangement:
    """One order of the devices, and what no partition on it beats.

    Attributes
    ----------
    kind_of
        The kind of each stage, as the problem in any order numbers them.
    bounds
        The lower bounds that were computed.
    """

    kind_of: tuple[int, ...]
    bounds: tuple[Bound, ...]

    @property
    def ticks(self) -> int:
        """The largest of its bounds."""
        return max(bound.ticks for bound in self.bounds)

    @property
    def document(self) -> dict[str, Any]:
        """The arrangement as a certificate writes it."""
        bounds = [bound.document for bound in self.bounds]
        return {"kind_of": list(self.kind_of), "lower_bound": self.ticks, "bounds": bounds}
