"""Runnable stages: one model for each, and a manifest of what goes between them."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slicegraph import checks
from slicegraph.block import BlockCost
from slicegraph.columns import integers
from slicegraph.constraints import Constraints
from slicegraph.cost import Instance
from slicegraph.device import Device
from slicegraph.errors import InputError
from slicegraph.formats.files import file_digest, read_json
from slicegraph.formats.writing import written_folder
from slicegraph.graph import Graph, fields
from slicegraph.requirements import given_order
from slicegraph.stages import manifest as manifests
from slicegraph.stages.manifest import Cost, Manifest

_OURS = re.compile(r"(manifest\.json|(stage[0-9]+|annotated)\.onnx(\.data)?)")
"""Names of files that a split writes."""


def split(
    model: str | os.PathLike[str],
    block_of: ArrayLike,
    directory: str | os.PathLike[str],
    *,
    dims: Mapping[str, int] | None = None,
    instance: Instance | None = None,
) -> Manifest:
    """Write the stages of an ONNX model as models of their own.

    The folder gets ``stage0.onnx`` and so on, ``annotated.onnx``, the whole model with each node's stage in its
    ``metadata_props`` and in ONNX's own device configuration, and ``manifest.json``. Models that are large or that have
    external data get stages with external data. Weights are copied piece by piece: they never are in memory together.

    Parameters
    ----------
    model
        An ``.onnx`` file.
    block_of
        Integers, shape (num_nodes,): the block of each node of ``sg.read(model, dims=dims)``. No tensor may run to an
        earlier block. Empty blocks give no stage.
    directory
        Where to write; a former split is replaced, any other folder must be empty. All is written, or nothing; where
        a power cut or a kill comes while files are moved to a folder that is there, it has no ``manifest.json``.
    dims
        Sizes of named dimensions, as in ``sg.read``: the stages are for these.
    instance
        What predicts the stages' costs: the model's graph as ``sg.read`` gives it, or as ``sg.profile`` measured it,
        on a device. None: nothing is predicted.

    Returns
    -------
        What ``manifest.json`` holds, a mapping; `slicegraph.stages.manifest` has the meaning of each entry.

    Raises
    ------
    InputError
        When the model or the plan breaks a rule, weights are missing, or the folder cannot be written.

    Notes
    -----
    - Constants go, as copies, into every stage that reads them, with the nodes that make them. What is computed from
      shapes alone is replaced by its value.
    - Local functions are inlined. What If, Loop and Scan capture from outside are inputs of theirs.

    Examples
    --------
    >>> import slicegraph as sg
    >>> instance = sg.Instance(sg.read("model.onnx"), device=sg.Device.preset("a100"), num_blocks=4)  # doctest: +SKIP
    >>> result = sg.solve(instance, stop=sg.MaxRuntime(10))  # doctest: +SKIP
    >>> manifest = sg.split("model.onnx", result.block_of, "stages")  # doctest: +SKIP
    >>> manifest["stages"][0]["file"]  # doctest: +SKIP
    'stage0.onnx'
    """
    path, folder, dims = checks.path("model", model), checks.path("directory", directory), checks.dims(dims)
    if instance is not None:
        given_order(instance, "split")
    if importlib.util.find_spec("onnx") is None:
        raise InputError(f"{path}: splitting ONNX takes the onnx package; pip install slicegraph[onnx]")
    from slicegraph.formats.onnx.opening import named, opened  # noqa: PLC0415 - a format is imported when used
    from slicegraph.stages.onnx.stage_files import borders, write_stages  # noqa: PLC0415 - likewise
    from slicegraph.stages.onnx.weights import external_files  # noqa: PLC0415 - likewise

    _check_folder(folder)
    with named(path):
        whole = opened(path, dims)
        graph = Graph(**fields(whole.arrays))
        files = external_files(whole.model, path)
    _check_apart(folder, path, files)
    blocks, stage_of, costs = _stages(graph, block_of, instance)
    with written_folder(folder, is_ours=_is_ours, last=manifests.NAME) as temporary, named(path):
        stages = write_stages(whole, stage_of.tolist(), temporary)
        names = _device_names(instance)
        for stage, block in zip(stages, blocks, strict=True):
            stage["block"] = block
            stage["device"] = names[block] if names else None
            stage["predicted"] = None if instance is None else _cost(costs[block])
        inputs, outputs = borders(whole)
        bottleneck = _finite(max(costs[block].cost for block in blocks))
        manifest: Manifest = {
            "format": manifests.FORMAT,
            "model": {
                "name": graph.name,
                "sha256": file_digest(path),
                "graph_digest": graph.structure_digest,
                "dims": dims,
            },
            "inputs": inputs,
            "outputs": outputs,
            "stages": stages,
            "predicted": instance
            and {
                "bottleneck": bottleneck,
                "device": None if names else instance.device.to_mapping(),
                "machine": list(instance.machine.document) if names else None,
                "boundary_io": instance.boundary_io,
            },
        }
        text = json.dumps(manifest, indent=1, allow_nan=False)
        (temporary / manifests.NAME).write_text(text + "\n", encoding="utf-8")
    return manifest


def _stages(
    graph: Graph, block_of: ArrayLike, instance: Instance | None
) -> tuple[list[int], NDArray[np.int64], tuple[BlockCost, ...]]:
    """Check a partition; give the blocks that are not empty, the stage of each node, and what every block pays."""
    blocks = integers("block_of", block_of)
    if blocks.size != graph.num_nodes:
        raise InputError(f"block_of: length {blocks.size}, but there are {graph.num_nodes} nodes")
    if instance is not None:
        graph = _checked(instance.graph, graph)
    used, stage_of = np.unique(blocks, return_inverse=True)
    if instance is not None and _device_names(instance):
        unlike = Instance(
            graph, devices=instance.devices, constraints=instance.constraints, boundary_io=instance.boundary_io
        )
        return used.tolist(), stage_of, unlike.block_costs(blocks)
    # Any device checks a partition; the figures of one that was not asked for go nowhere.
    device = Device.preset("testbed") if instance is None else instance.device
    is_paid = instance is not None and instance.boundary_io
    # More blocks than are used: a plan above a memory limit is predicted as such.
    num_blocks = max(1, int(blocks.max(initial=0)) + 1, 0 if instance is None else instance.num_blocks)
    links = Constraints(adjacent=instance is not None and instance.constraints.adjacent)
    alike = Instance(graph, device=device, num_blocks=num_blocks, constraints=links, boundary_io=is_paid)
    costs = alike.block_costs(blocks)
    return used.tolist(), stage_of, costs


def _device_names(instance: Instance | None) -> list[str]:
    """Give what the device of each stage is called, where stages are unlike; else nothing."""
    return [] if instance is None or len(instance.machine.kinds) == 1 else list(instance.machine.names())


def _checked(graph: Graph, own: Graph) -> Graph:
    """Refuse an instance whose nodes and tensors are not the model's."""
    names = ("producer", "size", "consumers", "consumer_offsets")
    is_same = all(np.array_equal(getattr(graph.arrays, name), getattr(own.arrays, name)) for name in names)
    if graph.num_nodes != own.num_nodes or not is_same:
        raise InputError(f"instance: {graph!r} is not the graph of the model with these dims, {own!r}")
    return graph


def _cost(block: BlockCost) -> Cost:
    return {
        "work": block.work,
        "io_in": block.io_in,
        "io_out": block.io_out,
        "overflow": block.overflow,
        "cost": _finite(block.cost),
    }


def _finite(seconds: float) -> float | None:
    return None if math.isinf(seconds) else seconds


def _check_folder(folder: Path) -> None:
    """Refuse a folder with anything in it that is not of a former split."""
    try:
        entries = sorted(folder.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror or error}") from None
    except ValueError as error:
        raise InputError(f"{folder}: {error}") from None
    names = [entry.name for entry in entries]
    if not names:
        return
    if manifests.NAME not in names or not manifests.is_manifest(read_json(folder / manifests.NAME)):
        raise InputError(f"{folder}: holds {names[0]!r} and no former split; give a folder that is empty or new")
    foreign = next((entry for entry in entries if not (_is_ours(entry.name) and entry.is_file())), None)
    if foreign is not None:
        raise InputError(f"{folder}: holds {foreign.name!r}, which is of no split and would be lost")


def _is_ours(name: str) -> bool:
    return _OURS.fullmatch(name) is not None


def _check_apart(folder: Path, model: Path, files: Iterable[Path]) -> None:
    """Refuse a folder that the model or its weights are in."""
    inside = next((file for file in (model, *files) if file.resolve().is_relative_to(folder.resolve())), None)
    if inside is not None:
        raise InputError(f"{folder}: holds {inside.name}, which is to be split")
