"""Lower bounds on the bottleneck of every partition: one method a file, its proof in the docstring."""
