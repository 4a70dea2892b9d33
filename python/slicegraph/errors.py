"""The one exception that bad input raises."""


class InputError(ValueError):
    """An input breaks a rule; the message is one line that names the culprit and the rule."""
