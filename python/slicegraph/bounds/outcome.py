"""The bounds of one MIP model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from slicegraph.evidence.relaxation import Proof, Testimony

_Part = TypeVar("_Part", Proof, Testimony)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The bounds on a model's least bottleneck.

    Attributes
    ----------
    proof, testimony
        The proven bound of the linear relaxation, and the believed one of branch and bound. None: there was no time.
    is_final
        Whether more time would give no better bound.
    num_nodes
        Branch-and-bound nodes, in one run.
    failure
        Why the solver failed; empty when it did not.
    """

    proof: Proof | None = None
    testimony: Testimony | None = None
    is_final: bool = False
    num_nodes: int = 0
    failure: str = ""

    @property
    def proven(self) -> int:
        """The proven bound in ticks."""
        return self.proof.lower_bound if self.proof else 0

    @property
    def lower_bound(self) -> int:
        """The larger of the proven and the believed bound, in ticks."""
        values = (self.proof, self.testimony)
        return max((value.lower_bound for value in values if value), default=0)

    def or_better(self, other: Outcome) -> Outcome:
        """Combine the bounds of two runs on the same model."""

        def better(mine: _Part | None, theirs: _Part | None) -> _Part | None:
            if mine is None or (theirs is not None and theirs.lower_bound >= mine.lower_bound):
                return theirs
            return mine

        return Outcome(
            proof=better(self.proof, other.proof),
            testimony=better(self.testimony, other.testimony),
            is_final=self.is_final or other.is_final,
            num_nodes=max(self.num_nodes, other.num_nodes),
            failure=self.failure or other.failure,
        )

    def on_word(self) -> Outcome:
        """Give the same with the proof as believed: the model depends on domains that a checker cannot derive."""
        if self.proof is None or (self.testimony and self.testimony.lower_bound >= self.proof.lower_bound):
            return replace(self, proof=None)
        bound = self.proof.lower_bound
        return replace(
            self, proof=None, testimony=Testimony(status="relaxed", dual_bound=float(bound), lower_bound=bound)
        )
