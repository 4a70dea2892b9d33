"""What is raised when a pipeline breaks."""


class StageError(RuntimeError):
    """The process of a stage has ended; the message is one line that names the stage and the reason."""
