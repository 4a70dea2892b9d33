"""A stage's model, opened so that it reads and writes where its process keeps its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from numpy.typing import NDArray

from slicegraph.stages.pipeline.folder import Stage
from slicegraph.stages.pipeline.memory import Bytes
from slicegraph.stages.providers import ON_PROCESSOR, Provider

_FATAL_ONLY: Final = 4  # what is wrong comes as an exception


def open_stage(
    stage: Stage,
    own: Mapping[str, Bytes],
    *,
    threads: int,
    texts: Mapping[str, NDArray[Any]],
    provider: Provider = ON_PROCESSOR,
) -> tuple[Any, Any]:
    """Load a stage's model and tell it where its inputs and outputs are, once for all.

    Parameters
    ----------
    stage
        The stage.
    own
        The bytes of each input and output, by name.
    threads
        That compute one request.
    texts
        Inputs that are strings, by name.
    provider
        What runs it.

    Returns
    -------
        onnxruntime's session, and the binding to run it with.
    """
    from slicegraph.stages.onnx.runtime import onnxruntime  # noqa: PLC0415 - a library is loaded when used

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    session = provider.session(str(stage.file), options)
    binding = session.io_binding()
    for tensor in stage.inputs:
        if tensor.is_text:
            from slicegraph.stages.onnx.sessions import to_value  # noqa: PLC0415 - loads onnx

            binding.bind_ortvalue_input(tensor.name, to_value(texts[tensor.name]))
        else:
            bind = (tensor.name, "cpu", 0, tensor.element_type, tensor.shape, own[tensor.name].ctypes.data)
            binding.bind_input(*bind)
    for tensor in stage.outputs:
        if tensor.is_text:
            binding.bind_output(tensor.name)
        # An input that is passed on is where it should be, and onnxruntime copies none.
        elif tensor not in stage.inputs:
            bind = (tensor.name, "cpu", 0, tensor.element_type, tensor.shape, own[tensor.name].ctypes.data)
            binding.bind_output(*bind)
    return session, binding
