"""Proofs of small random problems of every feature: both checkers prove what is true again, and nothing else."""
