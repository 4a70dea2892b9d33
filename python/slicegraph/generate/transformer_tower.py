"""Transformers, operator by operator."""

from __future__ import annotations

from dataclasses import dataclass

from slicegraph.errors import InputError
from slicegraph.generate.checks import check_counts
from slicegraph.generate.facts import FactsBuilder
from slicegraph.graph import Graph


def transformer_tower(
    *,
    num_layers: int = 12,
    hidden: int = 768,
    sequence: int = 512,
    num_heads: int = 12,
    expansion: int = 4,
    batch: int = 1,
    num_experts: int = 1,
    experts_per_token: int = 1,
) -> Graph:
    """Make a tower of transformer layers, with layer norms first, at the level of operators.

    A layer norm, query, key and value, which are viewed by heads; scores, their scaling, softmax, context, a copy that
    joins the heads, a projection and the residual sum; then a layer norm, an MLP with GELU and the residual sum. With
    several experts, the MLP is a router, its softmax, for each expert a chain that gathers its tokens and is an MLP,
    and a weighted sum: a wide graph. One layer norm ends the tower. The model input is embedded already.

    Parameters
    ----------
    num_layers
        Of attention and MLP.
    hidden
        Elements of a token.
    sequence, batch
        Tokens of a sequence, and sequences at once.
    num_heads
        Of the attention; they divide ``hidden``.
    expansion
        The width of the MLP over ``hidden``.
    num_experts, experts_per_token
        MLPs in a layer, and how many of them each token takes. Every expert has an even share of the tokens.

    Returns
    -------
    Graph
        Of ``19 * num_layers + 1`` nodes, or ``(19 + 4 * num_experts) * num_layers + 1`` with several experts, with
        flops, bytes read and written, parameters and views, by formula, at two bytes for each element. It names no
        device.

    Raises
    ------
    InputError
        When a parameter is out of range.

    Notes
    -----
    O(nodes). Without experts it has ``num_layers * (12 * hidden**2 + 13 * hidden) + 2 * hidden`` parameters when
    ``expansion`` is 4: the default is as large as GPT-2 without its embeddings. Sources: Vaswani et al., *Attention Is
    All You Need*, NeurIPS 2017; Radford et al., *Language Models are Unsupervised Multitask Learners*, 2019; Shazeer et
    al., *Outrageously Large Neural Networks*, ICLR 2017.

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.generate.transformer_tower(num_layers=2)
    >>> graph
    <Graph 'transformer_tower-2-h768-s512-b1-e1': 39 nodes, 40 tensors>
    >>> instance = sg.Instance(graph, device=sg.Device.preset("testbed"), num_blocks=2)
    """
    check_counts(num_layers=num_layers, hidden=hidden, sequence=sequence, batch=batch, num_heads=num_heads)
    check_counts(expansion=expansion, num_experts=num_experts, experts_per_token=experts_per_token)
    if hidden % num_heads:
        raise InputError(f"num_heads = {num_heads}, but it divides hidden = {hidden}")
    if experts_per_token > num_experts:
        raise InputError(f"experts_per_token = {experts_per_token}, but it is at most num_experts = {num_experts}")
    builder = FactsBuilder(f"transformer_tower-{num_layers}-h{hidden}-s{sequence}-b{batch}-e{num_experts}")
    tower = _Tower(builder, batch * sequence, hidden)
    tensor = builder.model_input(tower.elements)
    for layer in range(num_layers):
        name = f"layer{layer}"
        inner = tower.norm(f"{name}.norm1", tensor)
        inner = tower.attention(f"{name}.attention", inner, sequence, num_heads)
        tensor = tower.add(f"{name}.add1", tensor, inner)
        inner = tower.norm(f"{name}.norm2", tensor)
        if num_experts == 1:
            inner = tower.mlp(f"{name}.mlp", inner, tower.num_tokens, expansion)
        else:
            inner = tower.experts(f"{name}.moe", inner, expansion, num_experts, experts_per_token)
        tensor = tower.add(f"{name}.add2", tensor, inner)
    builder.model_output(tower.norm("norm", tensor))
    return builder.graph()


@dataclass(frozen=True, slots=True)
class _Tower:
    """Operators on tokens of one width."""

    builder: FactsBuilder
    num_tokens: int
    hidden: int

    @property
    def elements(self) -> int:
        return self.num_tokens * self.hidden

    def norm(self, name: str, tensor: int) -> int:
        flops = 5 * self.elements
        return self.builder.node("layer_norm", name, [tensor], self.elements, flops=flops, parameters=2 * self.hidden)

    def add(self, name: str, one: int, other: int) -> int:
        return self.builder.node("add", name, [one, other], self.elements, flops=self.elements)

    def linear(self, name: str, tensor: int, num_tokens: int, inputs: int, outputs: int) -> int:
        elements = num_tokens * outputs
        return self.builder.node(
            "linear", name, [tensor], elements, flops=(2 * inputs + 1) * elements, parameters=(inputs + 1) * outputs
        )

    def attention(self, name: str, tensor: int, sequence: int, num_heads: int) -> int:
        builder, pairs = self.builder, num_heads * self.num_tokens * sequence
        flops = 2 * self.elements * sequence
        query, key, value = (
            builder.view(
                f"{name}.{role}.heads", self.linear(f"{name}.{role}", tensor, self.num_tokens, self.hidden, self.hidden)
            )
            for role in ("query", "key", "value")
        )
        scores = builder.node("matmul", f"{name}.scores", [query, key], pairs, flops=flops)
        scores = builder.node("mul", f"{name}.scale", [scores], pairs, flops=pairs)
        weights = builder.node("softmax", f"{name}.softmax", [scores], pairs, flops=5 * pairs)
        context = builder.node("matmul", f"{name}.context", [weights, value], self.elements, flops=flops)
        joined = builder.node("copy", f"{name}.join", [context], self.elements)
        return self.linear(f"{name}.projection", joined, self.num_tokens, self.hidden, self.hidden)

    def mlp(self, name: str, tensor: int, num_tokens: int, expansion: int) -> int:
        width = expansion * self.hidden
        wide = self.linear(f"{name}.up", tensor, num_tokens, self.hidden, width)
        wide = self.builder.node("gelu", f"{name}.gelu", [wide], num_tokens * width, flops=num_tokens * width)
        return self.linear(f"{name}.down", wide, num_tokens, width, self.hidden)

    def experts(self, name: str, tensor: int, expansion: int, num_experts: int, experts_per_token: int) -> int:
        builder = self.builder
        elements = self.num_tokens * num_experts
        logits = self.linear(f"{name}.router", tensor, self.num_tokens, self.hidden, num_experts)
        routing = builder.node("softmax", f"{name}.softmax", [logits], elements, flops=5 * elements)
        share = -(-self.num_tokens * experts_per_token // num_experts)
        made = []
        for expert in range(num_experts):
            label = f"{name}.expert{expert}"
            read = share * (self.hidden + 1)
            own = builder.node("gather", f"{label}.gather", [tensor, routing], share * self.hidden, read_elements=read)
            made.append(self.mlp(label, own, share, expansion))
        # Each expert's tokens are weighted, then added to the others'.
        flops = 2 * num_experts * share * self.hidden
        return builder.node("combine", f"{name}.combine", [routing, *made], self.elements, flops=flops)
