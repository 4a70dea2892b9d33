"""What is raised: by bad input, and by a certificate that does not hold."""


class InputError(ValueError):
    """An input breaks a rule; the message is one line that names the culprit and the rule."""


class CertificateError(ValueError):
    """A certificate does not hold; the message is one line that names the place and the rule."""
