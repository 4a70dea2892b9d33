"""What is raised: by bad input, and by a certificate that does not hold; and how text from outside is shown."""

_SPACES = frozenset("\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029")


def printable(text: str) -> str:
    r"""Give text on one line, without what moves a terminal's cursor or is not seen.

    Names come from files, and may hold anything. Ends of lines and tabs become spaces, all else that is not printable
    becomes an escape.

    Examples
    --------
    >>> from slicegraph.errors import printable
    >>> printable("a\x1b[2J\nb")
    'a\\x1b[2J b'
    """
    if text.isprintable():
        return text
    return "".join(
        " " if char in _SPACES else char if char.isprintable() else repr(char)[1:-1] for char in text
    ).strip()


class InputError(ValueError):
    """An input breaks a rule; the message is one printable line that names the culprit and the rule."""

    def __init__(self, message: object) -> None:
        super().__init__(printable(str(message)))


class CertificateError(ValueError):
    """A certificate does not hold; the message is one printable line that names the place and the rule.

    Attributes
    ----------
    verdict
        ``"malformed"``: the document has not the form of a certificate, or not its seal. ``"refuted"``: something that
        it says is not so, or is about another question.
    part
        The part of the question that is another one than was asked for, by its key in the document; else nothing.
    """

    def __init__(self, message: object, *, verdict: str = "refuted", part: str = "") -> None:
        super().__init__(printable(str(message)))
        self.verdict, self.part = verdict, part
