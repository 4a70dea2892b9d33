"""`solve`: which methods search and prove, when and for how long, and the result."""
