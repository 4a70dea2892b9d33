"""What is raised when a pipeline breaks."""

from slicegraph.errors import printable


class StageError(RuntimeError):
    """The process of a stage has ended; the message is one printable line that names the stage and the reason."""

    def __init__(self, message: object) -> None:
        super().__init__(printable(str(message)))
