"""Certificates: a partition, its costs and lower bounds in one document, checked without what solves."""
