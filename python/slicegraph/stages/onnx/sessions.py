"""The door to onnxruntime: sessions, values in and out, errors in one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from onnx import TensorProto, helper

from slicegraph.errors import InputError
from slicegraph.stages.onnx.runtime import onnxruntime
from slicegraph.stages.onnx.samples import PLAIN
from slicegraph.stages.providers import ON_PROCESSOR, Provider

Values = Mapping[str, Any]
"""onnxruntime's values, for which there are no stubs, by name."""

_SMALL = "1024"  # bytes of weights that stay in an optimized model's file
_SILENT = 4  # a fault is raised, and need not be logged as well


@dataclass(frozen=True, kw_only=True, slots=True)
class Runner:
    """Opens sessions that run one node after the other, each with a number of threads.

    Attributes
    ----------
    folder
        Where external data is.
    threads
        Of a node.
    provider
        What runs nodes.
    """

    folder: Path
    threads: int
    provider: Provider = ON_PROCESSOR

    def session(
        self,
        content: bytes,
        stored: Values,
        *,
        is_optimized: bool = False,
        profile: Path | None = None,
        optimized: Path | None = None,
    ) -> Any:  # noqa: ANN401 - there are no stubs
        """Open a session on an encoded model.

        Parameters
        ----------
        content
            The model; its external data stays where it is.
        stored
            Constants that it only names.
        is_optimized
            Whether nodes may be fused and rewritten, or run as they are.
        profile
            How the name of the profile's file begins; None: no profile.
        optimized
            Where the optimized model is written, with its weights beside it; None: nowhere.

        Raises
        ------
        InputError
            The model is none, or has an operator that onnxruntime does not know.
        """
        options = onnxruntime.SessionOptions()
        levels = onnxruntime.GraphOptimizationLevel
        options.graph_optimization_level = levels.ORT_ENABLE_ALL if is_optimized else levels.ORT_DISABLE_ALL
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _SILENT
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", str(self.folder.absolute())
        )
        if stored:
            options.add_external_initializers(list(stored), list(stored.values()))
        if profile is not None:
            options.enable_profiling = True
            options.profile_file_prefix = str(profile)
        if optimized is not None:
            options.optimized_model_filepath = str(optimized)
            for name, value in (("file_name", f"{optimized.name}.data"), ("min_size_in_bytes", _SMALL)):
                options.add_session_config_entry(f"session.optimized_model_external_initializers_{name}", value)
        with complaints():
            return self.provider.session(content, options)


def load(path: Path, *, is_optimized: bool, provider: Provider = ON_PROCESSOR) -> Any:  # noqa: ANN401 - there are no stubs
    """Open a session on a model's file.

    Raises
    ------
    InputError
        The model is none, or has an operator that onnxruntime does not know.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _SILENT
    if not is_optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    with complaints():
        return provider.session(str(path), options)


def run(session: Any, values: Values) -> Sequence[Any]:  # noqa: ANN401 - there are no stubs
    """Run a model once, and give its outputs.

    Raises
    ------
    InputError
        A node fails.
    """
    with complaints():
        outputs: Sequence[Any] = session.run_with_ort_values(None, values)
        return outputs


def to_values(arrays: Mapping[str, NDArray[Any]]) -> Values:
    """Make onnxruntime's values of arrays."""
    return {name: to_value(array) for name, array in arrays.items()}


def to_value(array: NDArray[Any]) -> Any:  # noqa: ANN401 - there are no stubs
    """Make onnxruntime's value of an array; floats of 16 and 8 bits may be those of ``ml_dtypes``."""
    make = onnxruntime.OrtValue
    if array.dtype.kind == "O":
        return _text(array)
    type_ = helper.np_dtype_to_tensor_dtype(array.dtype)
    if type_ in PLAIN or array.dtype.kind == "c":
        return make.ortvalue_from_numpy(array)
    return make.ortvalue_from_numpy_with_onnx_type(array.view(f"uint{8 * array.dtype.itemsize}"), type_)


def _text(array: NDArray[Any]) -> Any:  # noqa: ANN401 - likewise
    """Make a value of strings: onnxruntime takes none from numpy, but a model may return what it stores."""
    elements = [str(each).encode() for each in array.flat]
    strings = TensorProto(name="x", data_type=TensorProto.STRING, dims=array.shape, string_data=elements)
    info = helper.make_tensor_value_info("y", TensorProto.STRING, array.shape)
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "strings", [], [info], [strings])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with complaints():
        session = ON_PROCESSOR.session(model.SerializeToString(), None)
    return run(session, {})[0]


@contextmanager
def complaints() -> Iterator[None]:
    """Make an error of onnxruntime one line."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # its exceptions have no common base
        raise InputError(f"onnxruntime cannot run it: {' '.join(str(error).split())}") from error
