"""From a PyTorch model to an exported program; what cannot be exported is told in one line that says what to change."""

from __future__ import annotations

import re
import sysconfig
import traceback
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch.export import ExportedProgram

from slicegraph.errors import InputError
from slicegraph.formats.torch.recurrences import layer_by_layer

_NOT_OURS: Final = (str(Path(torch.__file__).parent), sysconfig.get_path("stdlib"), "<")
_PLACE: Final = re.compile(r'File "([^"]+)", line (\d+)')
_RETURNED: Final = re.compile(r"Found <class '([\w.]+)'> in output|unrecognized type \w+\((\w+)\) at output")
_GIVEN: Final = re.compile(r"nsupported input type <class '([\w.<>]+)'>|inputs with type `<class '([\w.<>]+)'>`")
_DEPENDS: Final = re.compile(r"data-dependent|dynamic control flow|GuardOnDataDependent", re.IGNORECASE)
# As `inspect.Signature.bind` says it, before anything is exported.
_UNFIT: Final = re.compile(r"(missing a required|too many positional|got an unexpected|multiple values for) ")
# A module of torch.nn sets lists of its own weights anew, and PyTorch warns of that.
_OWN_LISTS: Final = r"The tensor attributes? .*_flat_weights.* assigned during export"


def exported(model: object, args: Sequence[Any], kwargs: Mapping[str, Any], *, strict: bool = False) -> ExportedProgram:
    """Export a module, or give the program that it is.

    Parameters
    ----------
    model
        A ``torch.nn.Module``, or what ``torch.export.export`` made of one.
    args, kwargs
        What the module is called with; nothing for an exported program.
    strict
        As ``torch.export.export`` has it.

    Raises
    ------
    InputError
        The model is neither, or PyTorch cannot export it; in one line that says why, where, and what to change.
    """
    if isinstance(model, ExportedProgram):
        if args or kwargs:
            raise InputError("an exported program is traced as it was exported: it takes no arguments")
        return model
    if not isinstance(model, torch.nn.Module):
        raise InputError(f"{type(model).__name__} is neither a torch.nn.Module nor a torch.export.ExportedProgram")
    # The fused kernels of eager inference would make one node of a whole encoder layer.
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with layer_by_layer(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=_OWN_LISTS)
            return torch.export.export(model, tuple(args), dict(kwargs), strict=strict)
    except Exception as error:  # there is no end of what a model may raise while it is traced
        raise InputError(_told(error, strict=strict)) from error
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)


def _told(error: Exception, *, strict: bool) -> str:
    """Say in one line why a model cannot be exported, where, and what to change."""
    text = str(error)
    where = _where(error)
    if match := _RETURNED.search(text):
        return (
            f"it returns a {_type_in(match)}, which torch.export does not take: return tensors, or lists, tuples and"
            " dicts of them; a model of transformers does with use_cache=False"
        )
    if match := _GIVEN.search(text):
        return (
            f"it is given a {_type_in(match)}, which torch.export does not take: give tensors, numbers, or lists,"
            " tuples and dicts of them; a model of transformers does without its cache with use_cache=False"
        )
    if _DEPENDS.search(f"{type(error).__name__} {text}"):
        return (
            f"{where}control flow or a size depends on the values of a tensor, which torch.export does not take: use"
            " torch.cond or torch.where, or give the value as a Python number"
        )
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if _UNFIT.match(line):
        return f"args and kwargs are not what its forward takes: {line:.200}"
    other = f"; strict={not strict} exports it in the other way"
    return f"{where}torch.export: {type(error).__name__}: {line:.200}{other}"


def _type_in(match: re.Match[str]) -> str:
    name: str = next(filter(None, match.groups()))
    return name.rpartition(".")[2]


def _where(error: Exception) -> str:
    """Name the line of the model where it happened: the innermost that is neither PyTorch's nor Python's own."""
    told = [(path, line) for path, line in _PLACE.findall(str(error)) if not path.startswith(_NOT_OURS)]
    if not told:
        frames = traceback.extract_tb(error.__traceback__)[1:]
        told = [(each.filename, str(each.lineno)) for each in frames if not each.filename.startswith(_NOT_OURS)]
    return f"{told[-1][0]}:{told[-1][1]}: " if told else ""
