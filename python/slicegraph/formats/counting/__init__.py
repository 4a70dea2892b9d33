"""How work is counted: what all readers share, so that a rule is written once, and what users say themselves."""

from slicegraph.formats.counting.count import Count, guess
from slicegraph.formats.counting.given import Formula, Formulas
from slicegraph.formats.counting.trips import Trips

__all__ = ["Count", "Formula", "Formulas", "Trips", "guess"]
