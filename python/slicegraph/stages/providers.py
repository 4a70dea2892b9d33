"""Which of onnxruntime's execution providers runs each stage, and on which device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from slicegraph import checks
from slicegraph.errors import InputError

PROCESSOR: Final = "CPUExecutionProvider"


@dataclass(frozen=True, slots=True)
class Provider:
    """An execution provider of onnxruntime.

    Attributes
    ----------
    name
        As onnxruntime has it, such as ``"CUDAExecutionProvider"``.
    device
        The number of the device; None: the provider's own choice.
    """

    name: str = PROCESSOR
    device: int | None = None

    def session(self, model: str | bytes, options: Any) -> Any:  # noqa: ANN401 - there are no stubs
        """Open a session of onnxruntime; what the provider cannot run, the processor does.

        Parameters
        ----------
        model
            A path, or an encoded model.
        options
            Of the session.

        Raises
        ------
        InputError
            The provider does not start here.
        """
        from slicegraph.stages.onnx.runtime import onnxruntime  # noqa: PLC0415 - a library is loaded when used

        first = self.name if self.device is None else (self.name, {"device_id": str(self.device)})
        listed = [first] if self.name == PROCESSOR else [first, PROCESSOR]
        session = onnxruntime.InferenceSession(model, options, providers=listed)
        if self.name not in session.get_providers():
            raise InputError(f"provider: {self.name} does not start on this machine")
        return session


ON_PROCESSOR: Final = Provider()


def provider_of(given: object) -> Provider:
    """Give the one provider that is asked for.

    Raises
    ------
    InputError
        There are several, or as `providers_of`.
    """
    return providers_of(given, 1)[0]


def providers_of(given: object, num_stages: int) -> tuple[Provider, ...]:
    """Give the provider of each stage.

    Parameters
    ----------
    given
        One for all, or one per stage, in a sequence or with commas between them: the name that onnxruntime has for it,
        or the name, a colon and the number of a device, as ``"CUDAExecutionProvider:1"``.  None: the processor.
    num_stages
        How many stages there are.

    Raises
    ------
    InputError
        The onnxruntime that is installed has no such provider, a device is no number, or there are not as many as
        stages.
    """
    if given is None:
        return (ON_PROCESSOR,) * num_stages
    names = given.split(",") if isinstance(given, str) else given
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names) or not names:
        raise InputError(f"provider = {given!r:.80}, but it is a name of onnxruntime's, or one for each stage")
    if len(names) not in {1, num_stages}:
        stages = "1 stage" if num_stages == 1 else f"{num_stages} stages"
        raise InputError(f"provider: there are {len(names)}, but {stages}: give one for all, or one for each")
    found = [_provider(name.strip()) for name in names]
    return tuple(found * num_stages if len(found) == 1 else found)


def _provider(text: str) -> Provider:
    from slicegraph.stages.onnx.runtime import onnxruntime  # noqa: PLC0415 - a library is loaded when used

    name, colon, device = text.partition(":")
    known = onnxruntime.get_available_providers()
    if name not in known:
        raise InputError(f"provider: {name!r:.80} is not available; this onnxruntime has {', '.join(known)}")
    if not colon:
        return Provider(name)
    if not (device.isascii() and device.isdigit()):
        raise InputError(f"provider: {text!r:.80} names no device: a number follows the colon")
    return Provider(name, checks.whole("provider: a device", int(device), 0, 2**16))
