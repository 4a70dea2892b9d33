"""What tracers share: a program of steps and values, from which the arrays of a graph are made."""

from slicegraph.formats.traced.layout import arrays
from slicegraph.formats.traced.program import Body, Origin, Program, Step, Value

__all__ = ["Body", "Origin", "Program", "Step", "Value", "arrays"]
