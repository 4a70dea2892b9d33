"""Runs the stages of a split model, a process each, and measures them."""
