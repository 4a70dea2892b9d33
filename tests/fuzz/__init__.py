"""Fuzzing: changed inputs of every kind, of which nothing but a refusal may come."""
