"""Totals of real architectures, as readers count them, beside what others say and counts by formula."""
