"""Split models into pipelines of processes: profile, solve, split, verify, run beside the whole model in one process.

    python benches/pipeline.py MODEL.onnx ... [-k 2] [--bandwidth 5e9] [--seconds 20] > rows.md

A row per model: the bottleneck that the profile's work predicts and the measured one, and requests per second of
the pipeline and of one process with one thread. Kernels are profiled as stages run them, with onnxruntime's
optimizations. ``--bandwidth`` is that of the memory that stages share.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import slicegraph as sg

HEADS = ("model", "nodes", "stages", "predicted ms", "measured ms", "pipeline per s", "one process per s", "speedup")


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("-k", "--num-blocks", type=int, default=2)
    parser.add_argument("--bandwidth", type=float, default=5e9)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    print(f"| {' | '.join(HEADS)} |\n|{'---|' * len(HEADS)}")
    for model in options.models:
        print(f"| {' | '.join(_row(model, options))} |", flush=True)


def _row(model: Path, options: argparse.Namespace) -> list[str]:
    graph = sg.profile(model)
    instance = sg.Instance(graph, device=sg.Device(bandwidth=options.bandwidth), num_blocks=options.num_blocks)
    result = sg.solve(instance, stop=sg.MaxRuntime(10))
    with tempfile.TemporaryDirectory() as folder:
        stages = Path(folder) / "stages"
        sg.split(model, result.block_of, stages, instance=instance)
        worst = max(difference.relative for difference in sg.verify_split(stages, model))
        if worst > 1e-4:  # noqa: PLR2004 - what floats may differ by
            raise SystemExit(f"{model}: stages differ from the whole by {worst}")
        run = sg.run_pipeline(stages, seconds=options.seconds, compare=model)
    milliseconds = [1e3 * (seconds or 0.0) for seconds in (run.predicted_bottleneck, run.bottleneck)]
    rates = (run.throughput or 0.0, run.whole_throughput or 0.0, run.speedup or 0.0)
    return [
        graph.name,
        str(graph.num_nodes),
        str(len(run.stages)),
        *(f"{value:.2f}" for value in (*milliseconds, *rates)),
    ]


if __name__ == "__main__":
    main()
