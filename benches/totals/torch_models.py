"""PyTorch's architectures of the table, and what they are called with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torchvision
from torch import nn
from torch.nn import functional

from slicegraph import from_torch
from totals.eager import Eager
from totals.row import Reference, Row

Made = tuple[nn.Module, tuple[torch.Tensor, ...]]


class Block(nn.Module):  # type: ignore[misc] # as in eager.py
    """A layer of a decoder: grouped heads, rotated queries and keys, and a gated feed-forward part."""

    def __init__(self, width: int, heads: int, key_heads: int) -> None:
        super().__init__()
        self.heads, self.key_heads, self.size = heads, key_heads, width // heads
        self.norms = nn.ModuleList([nn.RMSNorm(width), nn.RMSNorm(width)])
        self.query = nn.Linear(width, width, bias=False)
        self.both = nn.Linear(width, 2 * key_heads * self.size, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gate, self.up = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, 3 * width, bias=False)
        self.down = nn.Linear(3 * width, width, bias=False)

    def _turned(self, x: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
        left, right = x.chunk(2, -1)
        cosine, sine = angles.cos(), angles.sin()
        return torch.cat([left * cosine - right * sine, right * cosine + left * sine], -1)

    def forward(self, x: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        y = self.norms[0](x)
        query = self.query(y).view(batch, length, self.heads, self.size).transpose(1, 2)
        key, value = self.both(y).view(batch, length, 2 * self.key_heads, self.size).transpose(1, 2).chunk(2, 1)
        query, key = self._turned(query, angles), self._turned(key, angles)
        groups = self.heads // self.key_heads
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.out(seen.transpose(1, 2).reshape(batch, length, width))
        y = self.norms[1](x)
        return x + self.down(functional.silu(self.gate(y)) * self.up(y))


class Decoder(nn.Module):  # type: ignore[misc] # as in eager.py
    """A language model whose last layer is its table of words."""

    def __init__(self, words: int = 1000, width: int = 128, layers: int = 4) -> None:
        super().__init__()
        self.table = nn.Embedding(words, width)
        self.blocks = nn.ModuleList([Block(width, 8, 2) for _ in range(layers)])
        self.norm = nn.RMSNorm(width)
        self.head = nn.Linear(width, words, bias=False)
        self.head.weight = self.table.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        half = 8
        angles = torch.outer(torch.arange(x.shape[1]), 10000.0 ** -(torch.arange(half) / half))
        y = self.table(x)
        for block in self.blocks:
            y = block(y, angles)
        return self.head(self.norm(y))


class Recurrent(nn.Module):  # type: ignore[misc] # as in eager.py
    """A language model of two layers of LSTM."""

    def __init__(self, words: int = 1000, width: int = 64) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(words, width), nn.Linear(2 * width, words)
        self.layers = nn.LSTM(width, 2 * width, num_layers=2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layers(self.table(x))[0])


class UNet(nn.Module):  # type: ignore[misc] # as in eager.py
    """Down and up again, with what was there before beside it."""

    def __init__(self, width: int = 16, depth: int = 3) -> None:
        super().__init__()

        def twice(entered: int, made: int) -> nn.Module:
            parts = [nn.Conv2d(entered, made, 3, padding=1), nn.BatchNorm2d(made), nn.ReLU()]
            return nn.Sequential(*parts, nn.Conv2d(made, made, 3, padding=1), nn.BatchNorm2d(made), nn.ReLU())

        widths = [width * 2**level for level in range(depth + 1)]
        self.down = nn.ModuleList([twice(a, b) for a, b in zip([3, *widths], widths, strict=False)])
        self.up = nn.ModuleList([nn.ConvTranspose2d(2 * each, each, 2, 2) for each in reversed(widths[:-1])])
        self.join = nn.ModuleList([twice(2 * each, each) for each in reversed(widths[:-1])])
        self.last = nn.Conv2d(width, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept = []
        for index, layer in enumerate(self.down):
            x = layer(x if index == 0 else functional.max_pool2d(x, 2))
            kept.append(x)
        for up, join, beside in zip(self.up, self.join, reversed(kept[:-1]), strict=True):
            x = join(torch.cat([up(x), beside], 1))
        return self.last(x)


def _vision(name: str, side: int = 224, **options: Any) -> Callable[[], Made]:  # noqa: ANN401 - of any model
    build = getattr(torchvision.models.segmentation if "_resnet" in name else torchvision.models, name)
    if "_resnet" in name:
        options |= {"weights_backbone": None}

    def make() -> Made:
        return build(weights=None, **options), (torch.ones(1, 3, side, side),)

    return make


def _words(module: Callable[[], nn.Module]) -> Callable[[], Made]:
    return lambda: (module(), (torch.ones(2, 32, dtype=torch.long),))


def _sequences() -> Made:
    module = nn.Transformer(64, 4, 2, 2, 128, batch_first=True)
    return module, (torch.ones(2, 24, 64), torch.ones(2, 16, 64))


_ON_META: Mapping[str, Callable[[], Made]] = {
    "ConvNeXt-T": _vision("convnext_tiny"),
    "DenseNet-121": _vision("densenet121"),
    "EfficientNet-B0": _vision("efficientnet_b0"),
    "FCN-ResNet-50": _vision("fcn_resnet50"),
    "GoogLeNet": _vision("googlenet", init_weights=False),
    "Inception-v3": _vision("inception_v3", 299, init_weights=False),
    "LSTM language model": _words(Recurrent),
    "MNASNet": _vision("mnasnet1_0"),
    "MobileNet-v3-L": _vision("mobilenet_v3_large"),
    "ResNet-50": _vision("resnet50"),
    "ResNeXt-50": _vision("resnext50_32x4d"),
    "ShuffleNet-v2": _vision("shufflenet_v2_x1_0"),
    "SqueezeNet": _vision("squeezenet1_1"),
    "U-Net": lambda: (UNet(), (torch.ones(1, 3, 64, 64),)),
    "VGG-11": _vision("vgg11_bn"),
}
# Without a device attention is decomposed, and equal constants are not recognised.
_ON_CPU: Mapping[str, Callable[[], Made]] = {
    "Swin-T": _vision("swin_t"),
    "Transformer decoder, tied": _words(Decoder),
    "Transformer encoder-decoder": _sequences,
    "ViT-B/16, 64 pixels": _vision("vit_b_16", 64, image_size=64),
}
_WHY: Mapping[str, str] = {
    "LSTM language model": "PyTorch runs an LSTM step by step, and reads its weights in each",
    "Transformer decoder, tied": "PyTorch takes RMSNorm apart, and copies what it repeats",
    "Transformer encoder-decoder": "PyTorch adds biases and joins heads by operators of their own",
}


# Zeros, where both states begin: two layers, two samples, 128 units of 4 bytes.
_MADE: Mapping[str, int] = {"LSTM language model": 2 * 2 * 128 * 4}


def rows(only: str = "") -> list[Row]:
    """Trace and run all of them, or those whose name begins so."""
    torch.backends.mha.set_fastpath_enabled(False)
    made = []
    for device, models in (("meta", _ON_META), ("cpu", _ON_CPU)):
        for name, build in models.items():
            if not name.startswith(only):
                continue
            with torch.device(device):
                module, args = build()
            made.append(_row(name, module.eval(), args))
    return made


def _row(name: str, module: nn.Module, args: tuple[torch.Tensor, ...]) -> Row:
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415 - it imports much

    with torch.no_grad():
        graph = from_torch(module, args).arrays
        with FlopCounterMode(display=False) as products:
            module(*args)
        with Eager(module) as eager:
            module(*args)
    reference = Reference(
        name="FlopCounterMode",
        flops=products.get_total_flops(),
        beside=eager.beside,
        moved=eager.moved,
        stored=sum(eager.seen.values()),
        made=_MADE.get(name, eager.made),
        why=_WHY.get(name, ""),
    )
    return Row(model=name, graph=graph, reference=reference)
