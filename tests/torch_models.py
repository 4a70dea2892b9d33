"""Small networks in plain PyTorch, wired as known ones are: all layers, narrow; none where it is not installed."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

WORDS, WIDTH, HEADS, LENGTH = 64, 16, 2, 6
HAS_TORCH = importlib.util.find_spec("torch") is not None
torch: Any = importlib.import_module("torch") if HAS_TORCH else None
_Module: Any = torch.nn.Module if HAS_TORCH else object


@dataclass(frozen=True, slots=True)
class Example:
    """A network and what it is called with."""

    make: Callable[[], Any]
    args: Callable[[], tuple[Any, ...]]


class Calling(_Module):  # type: ignore[misc] # its type is not known where it is not installed
    """A module that calls a function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: Any) -> Any:
        return self.function(*args)


def _split(x: Any, heads: int) -> Any:
    return x.view(*x.shape[:2], heads, -1).transpose(1, 2)


def _attend(query: Any, key: Any, value: Any, **options: Any) -> Any:
    found = torch.nn.functional.scaled_dot_product_attention(query, key, value, **options)
    return found.transpose(1, 2).reshape(*found.shape[:1], found.shape[2], -1)


class GptLayer(_Module):  # type: ignore[misc] # see above
    def __init__(self) -> None:
        super().__init__()
        nn = torch.nn
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attn, self.proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH), nn.Dropout(0.1))

    def forward(self, x: Any) -> Any:
        query, key, value = (_split(part, HEADS) for part in self.attn(self.ln_1(x)).chunk(3, dim=-1))
        x = x + self.proj(_attend(query, key, value, is_causal=True))
        return x + self.mlp(self.ln_2(x))


class Gpt(_Module):  # type: ignore[misc] # see above
    """GPT-2: 12 layers, learnt positions."""

    def __init__(self, *, tied: bool, layers: int = 12) -> None:
        super().__init__()
        nn = torch.nn
        self.wte, self.wpe = nn.Embedding(WORDS, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.h = nn.ModuleList([GptLayer() for _ in range(layers)])
        self.ln_f, self.lm_head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WORDS, bias=False)
        if tied:
            self.lm_head.weight = self.wte.weight

    def forward(self, ids: Any) -> Any:
        x = self.wte(ids) + self.wpe(torch.arange(ids.shape[1], device=ids.device))
        for layer in self.h:
            x = layer(x)
        return self.lm_head(self.ln_f(x))


class T5Attention(_Module):  # type: ignore[misc] # see above
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (torch.nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4))

    def forward(self, x: Any, of: Any, bias: Any) -> Any:
        query, key, value = (_split(part, HEADS) for part in (self.q(x), self.k(of), self.v(of)))
        weights = query @ key.transpose(-1, -2)
        weights = weights if bias is None else weights + bias
        found = weights.softmax(-1) @ value
        return self.o(found.transpose(1, 2).contiguous().view(x.shape))


class T5Layer(_Module):  # type: ignore[misc] # see above
    def __init__(self, *, decodes: bool) -> None:
        super().__init__()
        nn = torch.nn
        self.attention, self.norm = T5Attention(), nn.RMSNorm(WIDTH)
        self.crossing: Any = T5Attention() if decodes else None
        self.norm_2: Any = nn.RMSNorm(WIDTH) if decodes else None
        self.wi, self.wo, self.norm_3 = nn.Linear(WIDTH, 32), nn.Linear(32, WIDTH), nn.RMSNorm(WIDTH)

    def forward(self, x: Any, bias: Any, encoded: Any = None) -> Any:
        y = self.norm(x)
        x = x + self.attention(y, y, bias)
        if self.crossing is not None:
            x = x + self.crossing(self.norm_2(x), encoded, None)
        return x + self.wo(torch.relu(self.wi(self.norm_3(x))))


class T5(_Module):  # type: ignore[misc] # see above
    """T5: 6 layers that encode and 6 that decode, one table of words, relative positions of each half's own."""

    def __init__(self, *, tied: bool, layers: int = 6) -> None:
        super().__init__()
        nn = torch.nn
        self.shared = nn.Embedding(WORDS, WIDTH)
        self.position, self.position_2 = nn.Embedding(LENGTH, HEADS), nn.Embedding(LENGTH, HEADS)
        self.encoder = nn.ModuleList([T5Layer(decodes=False) for _ in range(layers)])
        self.decoder = nn.ModuleList([T5Layer(decodes=True) for _ in range(layers)])
        self.norm, self.lm_head = nn.RMSNorm(WIDTH), nn.Linear(WIDTH, WORDS, bias=False)
        if tied:
            self.lm_head.weight = self.shared.weight

    def forward(self, ids: Any, decoder_ids: Any) -> Any:
        at = torch.arange(LENGTH)
        far = (at[:, None] - at[None]).abs()
        encoded, bias = self.shared(ids), self.position(far).permute(2, 0, 1)[None]
        for layer in self.encoder:
            encoded = layer(encoded, bias)
        mask = torch.full((LENGTH, LENGTH), float("-inf")).triu(1)
        x, bias = self.shared(decoder_ids), self.position_2(far).permute(2, 0, 1)[None] + mask
        for layer in self.decoder:
            x = layer(x, bias, encoded)
        return {"logits": self.lm_head(self.norm(x)), "encoded": encoded}


class LlamaLayer(_Module):  # type: ignore[misc] # see above
    def __init__(self, width: int, heads: int, groups: int, hidden: int) -> None:
        super().__init__()
        nn = torch.nn
        self.heads, self.groups, each = heads, groups, width // heads
        self.q_proj, self.o_proj = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.k_proj, self.v_proj = (nn.Linear(width, groups * each, bias=False) for _ in range(2))
        self.gate_proj, self.up_proj = (nn.Linear(width, hidden, bias=False) for _ in range(2))
        self.down_proj = nn.Linear(hidden, width, bias=False)
        self.input_norm, self.post_norm = nn.RMSNorm(width), nn.RMSNorm(width)

    def forward(self, x: Any, turn: tuple[Any, Any]) -> Any:
        y = self.input_norm(x)
        query, key = (
            _turned(_split(*part), *turn) for part in ((self.q_proj(y), self.heads), (self.k_proj(y), self.groups))
        )
        value = _split(self.v_proj(y), self.groups)
        x = x + self.o_proj(_attend(query, key, value, is_causal=True, enable_gqa=True))
        y = self.post_norm(x)
        return x + self.down_proj(torch.nn.functional.silu(self.gate_proj(y)) * self.up_proj(y))


def _turned(x: Any, cos: Any, sin: Any) -> Any:
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat((-second, first), -1) * sin


class Llama(_Module):  # type: ignore[misc] # see above
    """Llama: 16 layers of the 1B's, rotated positions, groups of heads."""

    def __init__(
        self,
        *,
        tied: bool,
        layers: int = 16,
        width: int = WIDTH,
        heads: int = 4,
        groups: int = 2,
        hidden: int = 32,
        words: int = WORDS,
    ) -> None:
        super().__init__()
        nn = torch.nn
        self.embed_tokens = nn.Embedding(words, width)
        self.layers = nn.ModuleList([LlamaLayer(width, heads, groups, hidden) for _ in range(layers)])
        self.norm, self.lm_head = nn.RMSNorm(width), nn.Linear(width, words, bias=False)
        each = width // heads
        self.register_buffer("frequency", 10000.0 ** (-torch.arange(0, each, 2) / each), persistent=False)
        if tied:
            self.lm_head.weight = self.embed_tokens.weight

    def forward(self, ids: Any) -> Any:
        x = self.embed_tokens(ids)
        angle = torch.arange(ids.shape[1], device=ids.device)[:, None] * self.frequency
        angle = torch.cat((angle, angle), -1)
        turn = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
        for layer in self.layers:
            x = layer(x, turn)
        return self.lm_head(self.norm(x))


class Bottleneck(_Module):  # type: ignore[misc] # see above
    def __init__(self, entered: int, width: int, stride: int) -> None:
        super().__init__()
        nn = torch.nn
        left = 4 * width
        self.body = nn.Sequential(
            *(nn.Conv2d(entered, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)),
            *(nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)),
            *(nn.Conv2d(width, left, 1, bias=False), nn.BatchNorm2d(left)),
        )
        self.down = None
        if stride > 1 or entered != left:
            self.down = nn.Sequential(nn.Conv2d(entered, left, 1, stride, bias=False), nn.BatchNorm2d(left))

    def forward(self, x: Any) -> Any:
        return torch.relu_(self.body(x) + (x if self.down is None else self.down(x)))


def resnet50() -> Any:
    """ResNet-50: 3, 4, 6 and 3 bottlenecks."""
    nn = torch.nn
    parts = [nn.Conv2d(3, 4, 7, 2, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    entered = 4
    for level, count in enumerate((3, 4, 6, 3)):
        for index in range(count):
            parts.append(Bottleneck(entered, 2 << level, 2 if level and not index else 1))
            entered = 8 << level
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(entered, 10))


class UNet(_Module):  # type: ignore[misc] # see above
    """A U-Net of three levels: what is drawn together on the way down is read on the way up."""

    def __init__(self) -> None:
        super().__init__()
        nn = torch.nn
        widths = (4, 8, 16, 32)
        self.enter = self._pair(3, 4)
        self.down = nn.ModuleList([self._pair(*pair) for pair in itertools.pairwise(widths)])
        self.rise = nn.ModuleList(
            [nn.ConvTranspose2d(2 * width, width, 2, 2) for width in reversed(widths[:-1])],
        )
        self.up = nn.ModuleList([self._pair(2 * width, width) for width in reversed(widths[:-1])])
        self.leave = nn.Conv2d(4, 2, 1)

    @staticmethod
    def _pair(entered: int, left: int) -> Any:
        nn = torch.nn
        layers = [(nn.Conv2d(each, left, 3, 1, 1), nn.GroupNorm(2, left), nn.SiLU()) for each in (entered, left)]
        return nn.Sequential(*layers[0], *layers[1])

    def forward(self, x: Any) -> Any:
        kept = [self.enter(x)]
        for down in self.down:
            kept.append(down(torch.nn.functional.max_pool2d(kept[-1], 2)))
        x = kept.pop()
        for rise, up in zip(self.rise, self.up, strict=True):
            x = up(torch.cat((kept.pop(), rise(x)), 1))
        return self.leave(x)


def _ids(count: int) -> Callable[[], tuple[Any, ...]]:
    return lambda: tuple(torch.arange(2 * LENGTH).view(2, LENGTH) * (7 + index) % WORDS for index in range(count))


def _image(*shape: int) -> Callable[[], tuple[Any, ...]]:
    return lambda: (torch.linspace(-1, 1, steps=torch.Size(shape).numel()).view(shape).sin(),)


EXAMPLES = {
    "gpt2 tied": Example(lambda: Gpt(tied=True), _ids(1)),
    "gpt2 untied": Example(lambda: Gpt(tied=False), _ids(1)),
    "t5 tied": Example(lambda: T5(tied=True), _ids(2)),
    "t5 untied": Example(lambda: T5(tied=False), _ids(2)),
    "llama tied": Example(lambda: Llama(tied=True), _ids(1)),
    "llama untied": Example(lambda: Llama(tied=False), _ids(1)),
    "resnet50": Example(resnet50, _image(2, 3, 32, 32)),
    "u-net": Example(UNet, _image(1, 3, 16, 16)),
}


def make(name: str) -> tuple[Any, tuple[Any, ...]]:
    """Make a network that will be run as it is, with repeatable numbers, and its arguments."""
    torch.manual_seed(0)
    example = EXAMPLES[name]
    return example.make().eval(), example.args()
