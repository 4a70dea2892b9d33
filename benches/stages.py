"""Stages of PyTorch networks of other packages beside the whole, and how long a model of 70 billion takes.

    python benches/stages.py [NAME ...] > table.md

takes torch, torchvision, transformers, diffusers and this package: ``make torch-test`` makes an environment, into which
``pip install transformers diffusers`` puts what is missing; nothing is downloaded, weights are random.  A row for each
network and number of stages: the greatest difference between what all stages in a row give and what the network gives,
relative to the largest output; whether each parameter of a stage is byte for byte the network's, under its name;
parameters that several stages have; and which parameters no stage has.  ``70b`` traces and plans Llama-3 70B on meta
tensors.
"""
# ruff: noqa: ANN401 - modules and tensors of optional libraries

from __future__ import annotations

import collections
import resource
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import diffusers
import torch
import torchvision
import transformers

import slicegraph as sg

_IDS = torch.arange(8)[None] % 64
_LARGE = "70b"
_TOLERANCE = 1e-5


def _text(make: Callable[..., Any], config: Any, **options: Any) -> Callable[[], tuple[Any, tuple[Any, ...], Any]]:
    return lambda: (make(config).eval(), (), {"input_ids": _IDS, "use_cache": False, "return_dict": False, **options})


def _gpt2(*, tied: bool) -> Any:
    config = transformers.GPT2Config(vocab_size=64, n_embd=32, n_head=4, n_positions=32, tie_word_embeddings=tied)
    return _text(transformers.GPT2LMHeadModel, config)


def _llama(*, tied: bool) -> Any:
    config = transformers.LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=32,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=tied,
    )
    return _text(transformers.LlamaForCausalLM, config)


def _t5(*, tied: bool) -> Any:
    config = transformers.T5Config(vocab_size=64, d_model=32, d_kv=8, d_ff=64, num_layers=6, num_heads=4)

    def make(config: Any) -> Any:
        made = transformers.T5ForConditionalGeneration(config)
        if not tied:  # it ties them whatever its configuration is told
            made.lm_head.weight = torch.nn.Parameter(made.lm_head.weight.detach().clone())
        return made

    return _text(make, config, decoder_input_ids=_IDS)


def _resnet50() -> tuple[Any, tuple[Any, ...], Any]:
    return torchvision.models.resnet50().eval(), (torch.randn(1, 3, 64, 64),), {}


def _unet() -> tuple[Any, tuple[Any, ...], Any]:
    made = diffusers.UNet2DModel(sample_size=16, block_out_channels=(16, 32, 32, 64), norm_num_groups=8)
    return made.eval(), (torch.randn(1, 3, 16, 16), torch.tensor(3)), {"return_dict": False}


NETWORKS: dict[str, Callable[[], tuple[Any, tuple[Any, ...], Any]]] = {
    "gpt2-tied": _gpt2(tied=True),
    "gpt2-untied": _gpt2(tied=False),
    "t5-tied": _t5(tied=True),
    "t5-untied": _t5(tied=False),
    "llama-tied": _llama(tied=True),
    "llama-untied": _llama(tied=False),
    "resnet50": _resnet50,
    "u-net": _unet,
}


def main(names: Sequence[str]) -> int:
    """Write the table; 1 when a stage is wrong."""
    print("| network | k | nodes | stages | differ by | parameters equal | in several stages | in none |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    is_right = True
    for name in names or NETWORKS:
        if name != _LARGE:
            is_right &= _compare(name)
    if not names or _LARGE in names:
        _seventy_billion()
    return int(not is_right)


def _compare(name: str) -> bool:
    torch.manual_seed(0)
    module, args, kwargs = NETWORKS[name]()
    graph = sg.from_torch(module, args, kwargs)
    known = module.state_dict(keep_vars=True)
    is_right = True
    for blocks in (2, 3, 4):
        instance = sg.Instance(graph, device=sg.Device.preset("testbed"), num_blocks=blocks)
        result = sg.solve(instance, stop=sg.MaxRuntime(5))
        stages = sg.torch.stages(module, args, result, kwargs)
        with torch.no_grad():
            found = sg.torch.verify(module, stages, args, kwargs)
        # Tied ones are one, by the last of their names.
        name_of = {id(value): key for key, value in known.items()}
        owned = collections.Counter(
            key for stage in stages for key in {name_of[id(known[key])] for key in stage.state_dict() if key in known}
        )
        is_equal = all(_same(known, stage) for stage in stages)
        missing = sorted(set(name_of.values()) - owned.keys())
        most = max(each.relative for each in found)
        shared = sorted(key for key, count in owned.items() if count > 1)
        is_right &= is_equal and most <= _TOLERANCE
        told = [_told(keys) for keys in (shared, missing)]
        print(
            f"| {name} | {blocks} | {graph.num_nodes} | {len(stages)} | {most:.1e} | {is_equal} | {' | '.join(told)} |"
        )
        sys.stdout.flush()
    return is_right


def _told(keys: Sequence[str]) -> str:
    more = len(keys[3:])
    return " ".join(keys[:3]) + f" and {more} more" * bool(more) or "-"


def _same(known: dict[str, Any], stage: Any) -> bool:
    """Say whether all parameters and buffers that a stage keeps are the network's own, byte for byte."""
    return all(
        key in known and value.shape == known[key].shape and value.data_ptr() == known[key].data_ptr()
        for key, value in stage.state_dict(keep_vars=True).items()
    )


def _seventy_billion() -> None:
    begin = time.process_time()
    config = transformers.LlamaConfig(
        vocab_size=128_256,
        hidden_size=8192,
        intermediate_size=28_672,
        num_hidden_layers=80,
        num_attention_heads=64,
        num_key_value_heads=8,
    )
    with torch.device("meta"):
        model = transformers.LlamaForCausalLM(config).to(torch.bfloat16).eval()
        ids = torch.zeros((1, 2048), dtype=torch.int64)
    made = time.process_time()
    graph = sg.from_torch(model, (), {"input_ids": ids, "use_cache": False, "return_dict": False})
    traced = time.process_time()
    instance = sg.Instance(graph, device=sg.Device.preset("h100"), num_blocks=8)
    result = sg.solve(instance, stop=sg.MaxRuntime(10), threads=1)
    total = sum(weight.numel() for weight in model.parameters()) / 1e9
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    solved = time.process_time()
    print(
        f"\nLlama-3 70B, {total:.1f}e9 parameters, {graph.num_nodes} nodes; k = 8: {result.status}, {result.gap:.2%};"
    )
    print(f"{made - begin:.1f} s of CPU to make, {traced - made:.1f} to trace, {solved - traced:.1f} to solve;")
    print(f"{peak:.2f} GiB at most, imports included.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
