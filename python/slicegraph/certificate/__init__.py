"""Certificates: a partition, its costs and lower bounds in one document; and a checker without code of the solver."""
