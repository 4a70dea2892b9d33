"""The certificate as an object: a document that can be read, written and sealed; `check` decides whether it holds."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from slicegraph import checks
from slicegraph.certificate import codec
from slicegraph.errors import CertificateError, InputError
from slicegraph.formats.files import read_whole
from slicegraph.formats.limits import check_nesting
from slicegraph.formats.writing import write_file

FORMAT = "slicegraph-certificate-2"
"""Of what is said by one device and a number of blocks."""
UNLIKE_FORMAT = "slicegraph-certificate-3"
"""Of what asks more: unlike devices, constraints, or memory that counts more than parameters of single nodes."""
_LARGEST = 2.0**64
"""No count and no number of ticks is more."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A partition and lower bounds, with the evidence to check them against the graph.

    The properties read the document as it is; they are claims until `slicegraph.check` has proved them again.

    Attributes
    ----------
    document
        The content of the file, in JSON's types; its schema is beside this module.

    Examples
    --------
    >>> from slicegraph.certificate.model import Certificate
    >>> certificate = Certificate.of({"tick": 0.5, "witness": {"bottleneck": 6}, "lower_bound": 5})
    >>> certificate.bottleneck, certificate.lower_bound
    (3.0, 2.5)
    """

    document: dict[str, Any]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Seal a document that has no seal, or one that no longer fits.

        Raises
        ------
        ValueError
            When it holds what JSON has no word for.
        """
        try:
            plain = codec.loads(codec.dumps(document))
        except ValueError as error:
            raise InputError(f"document: {error}") from None
        return cls({**plain, "seal": codec.seal(plain)})

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read a certificate file, without checking what it claims.

        Raises
        ------
        InputError
            When it cannot be read, or is no certificate.
        """
        file = checks.path("path", path)
        text = read_whole(file)
        check_nesting(file, text)
        try:
            document = codec.loads(text)
        except ValueError as error:
            raise InputError(f"{path}: no certificate: {error}") from None
        if document.get("format") not in (FORMAT, UNLIKE_FORMAT):
            rule = f'"{FORMAT}" or "{UNLIKE_FORMAT}" is asked for'
            raise InputError(f'{path}: "format" is {document.get("format")!r:.80}, but {rule}')
        return cls(document)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the file, whole or not at all.

        Raises
        ------
        InputError
            When it cannot be written.
        """
        write_file(checks.path("path", path), codec.dumps(self.document))

    @property
    def num_blocks(self) -> int:
        """The number of pipeline stages, at most."""
        return int(self._number("num_blocks"))

    @property
    def bottleneck(self) -> float:
        """Seconds of the partition's most expensive block; infinite without a partition."""
        if isinstance(self.document, dict) and self.document.get("witness") is None:
            return math.inf
        return self._number("witness", "bottleneck") * self._number("tick")

    @property
    def lower_bound(self) -> float:
        """The claimed lower bound in seconds; `slicegraph.check` gives the part that is proved again."""
        return self._number("lower_bound") * self._number("tick")

    def _number(self, *keys: str) -> float:
        value: Any = self.document
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if type(value) not in (int, float) or not -_LARGEST <= value <= _LARGEST:
            raise CertificateError(f"{'.'.join(keys)}: not a number")
        return float(value)
