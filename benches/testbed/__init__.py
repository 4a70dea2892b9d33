"""The testbed: methods on the graphs of a folder, and the paper's tables and figures of what they give."""
