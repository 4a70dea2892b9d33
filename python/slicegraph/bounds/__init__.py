"""Lower bounds on the bottleneck of every partition: one method per file, with its proof in the docstring."""

NAMES = ("node", "downsets", "chain", "exact", "bottleneck", "bottleneck_guess")
"""Those that take more than a formula; each is in the module of its name, which is loaded when it is used."""
LINKED = ("node", "downsets")
"""Of these, those that are proven where stages hand on tensors."""
