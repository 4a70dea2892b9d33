"""What is known of one model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from slicegraph.evidence.relaxation import Proof, Testimony

_Part = TypeVar("_Part", Proof, Testimony)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What is known of a model's least bottleneck.

    Attributes
    ----------
    proof, testimony
        Of the linear relaxation, and of branch and bound; None where there was no time.
    is_final
        Whether more time would give nothing more.
    num_nodes
        Of branch and bound, in one run.
    failure
        Why the solver gave up; empty when it did not.
    """

    proof: Proof | None = None
    testimony: Testimony | None = None
    is_final: bool = False
    num_nodes: int = 0
    failure: str = ""

    @property
    def proven(self) -> int:
        """Ticks that the proof gives."""
        return self.proof.lower_bound if self.proof else 0

    @property
    def lower_bound(self) -> int:
        """Ticks, the solver believed."""
        values = (self.proof, self.testimony)
        return max((value.lower_bound for value in values if value), default=0)

    def or_better(self, other: Outcome) -> Outcome:
        """Join what two runs on the same model have found."""

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
        """Give the same where the proof is of a model that others cannot make: it is worth a testimony."""
        if self.proof is None or (self.testimony and self.testimony.lower_bound >= self.proof.lower_bound):
            return replace(self, proof=None)
        bound = self.proof.lower_bound
        return replace(
            self, proof=None, testimony=Testimony(status="relaxed", dual_bound=float(bound), lower_bound=bound)
        )
