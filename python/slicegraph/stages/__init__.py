"""Models cut into stages: written, compared with the whole, measured and run."""
