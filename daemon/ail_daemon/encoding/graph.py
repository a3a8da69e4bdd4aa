"""A BERT encoder as an ONNX graph, written node by node: from weights to bytes.

Knows nothing of sentence-transformers or torch: it takes arrays by their BERT names. Writing the graph instead of
tracing it keeps the export independent of torch's exporters and lets each operator be the one that is fast on a CPU.
What was measured (onnxruntime 1.31, one thread, 42 tokens):

- One text a run: no padding, no mask, and a vector that depends on its own text alone. The activations are quantised
  with one range a tensor, so texts sharing a batch would change each other's vectors.
- `DynamicQuantizeMatMul` on int8 weights, one scale an output column: 1.3 ms of a question. It rounds activations by one range
  for all, so a few large channels cost the others their digits: cosine to the original .9928, .904 of the ten nearest. Two
  remedies together give .9994 and .965 for a tenth more time: large channels are made smaller and their weights larger
  (`_balance`, as in SmoothQuant), and the second half of each feed-forward, whose input no scale tames, is a `MatMulNBits` with a
  scale for every 32 weights. That everywhere: .9996, .979, twice the time; float32 2.5 times.
- Add + LayerNormalization, 0.15 ms, instead of the fused SkipLayerNormalization, 0.87 ms: a question takes 1.6 instead
  of 2.5 ms. An optimising session would fuse them again: serve with optimisations off.
- The word table in int8, one scale a word, halves the files and keeps .993 of the ten nearest; it is no part of the graph
  (see `wordtable`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Floats = npt.NDArray[np.float32]
Pooling = Literal["mean", "cls"]
INPUT = "words"
BLOCK = 32  # weights that share a scale in a MatMulNBits
_BALANCE = 0.7  # how much of a channel's range goes to the weights: at .5 cosine .9868 without the blocks, at .85 .9978 as at .7
ACTIVATIONS: Mapping[str, tuple[str, str]] = {"gelu": ("Gelu", "com.microsoft"), "relu": ("Relu", "")}
"""The activations that can be written: their name in a BERT configuration -> (operator, domain)."""


@dataclass(frozen=True, slots=True)
class BertShape:
    """What a BERT configuration says beyond its weights."""

    layers: int
    heads: int
    hidden: int
    epsilon: float
    activation: str
    pooling: Pooling
    max_tokens: int


class _Graph:
    """Collects nodes and initializers; outputs are named by counting."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def constant(self, value: npt.NDArray[Any]) -> str:
        name = f"w{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def nodes_out(self, kind: str, inputs: list[str], outputs: int, domain: str = "", **attributes: float) -> list[str]:
        names = [f"t{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, None, None, domain, None, **attributes))
        return names

    def node(self, kind: str, inputs: list[str], domain: str = "", **attributes: float) -> str:
        return self.nodes_out(kind, inputs, 1, domain, **attributes)[0]


def quantise_blocks(weight: Floats) -> tuple[npt.NDArray[np.uint8], Floats]:
    """Return (n, k / BLOCK, BLOCK) and a scale for each block, of *weight* (k, n): `MatMulNBits` has 128 for zero."""
    blocks = weight.T.reshape(weight.shape[1], -1, BLOCK)
    scale = np.abs(blocks).max(axis=-1, keepdims=True) / 127
    scale[scale == 0] = 1
    return (np.rint(blocks / scale) + 128).astype(np.uint8), scale.astype(np.float32).reshape(-1)


def quantise(table: Floats, axis: int) -> tuple[npt.NDArray[np.int8], Floats]:
    """Return (int8, scale): `table` is about int8 * scale, with one scale for each slice along *axis*."""
    scale = np.abs(table).max(axis=axis, keepdims=True) / 127
    scale[scale == 0] = 1
    return np.rint(table / scale).astype(np.int8), scale.astype(np.float32)


class _Bert:
    """Writes one model. Weights are named as in transformers' BertModel; linear weights lie there as (out, in)."""

    def __init__(self, weights: Mapping[str, Floats], shape: BertShape, ranges: Mapping[str, Floats] | None) -> None:
        self.graph = _Graph()
        self.weights, self.shape, self.ranges = weights, shape, ranges

    def linear(self, x: str, *names: str) -> str:
        """One multiplication for several linear layers of one input, their outputs side by side."""
        weight = np.concatenate([self.weights[f"{name}.weight"].T for name in names], axis=1)
        bias = self.graph.constant(np.concatenate([self.weights[f"{name}.bias"] for name in names]))
        if self.ranges is None:
            return self.graph.node("Add", [self.graph.node("MatMul", [x, self.graph.constant(weight)]), bias])
        factor = _balance(self.ranges[names[0]], weight)
        small, scale = quantise(weight * factor[:, None], axis=0)
        balanced = self.graph.node("Mul", [x, self.graph.constant(1 / factor)])
        inputs = [balanced, self.graph.constant(small), self.graph.constant(scale[0]), "", bias]
        return self.graph.node("DynamicQuantizeMatMul", inputs, "com.microsoft")

    def fine_linear(self, x: str, name: str) -> str:
        """Write a linear layer whose weights have a scale for every BLOCK, and its input too."""
        weight = self.weights[f"{name}.weight"].T
        if self.ranges is None or weight.shape[0] % BLOCK:
            return self.linear(x, name)
        small, scale = (self.graph.constant(part) for part in quantise_blocks(weight))
        inputs = [x, small, scale, "", "", self.graph.constant(self.weights[f"{name}.bias"])]
        k, n = weight.shape
        return self.graph.node(
            "MatMulNBits", inputs, "com.microsoft", K=k, N=n, bits=8, block_size=BLOCK, accuracy_level=4
        )

    def add_and_normalise(self, x: str, y: str, name: str) -> str:
        both = self.graph.node("Add", [x, y])
        gain, bias = (self.graph.constant(self.weights[f"{name}.LayerNorm.{part}"]) for part in ("weight", "bias"))
        return self.graph.node("LayerNormalization", [both, gain, bias], axis=-1, epsilon=self.shape.epsilon)

    def embeddings(self) -> str:
        # Every token is of type 0 (a single text), so that row joins the positions.
        positions = self.weights["embeddings.position_embeddings.weight"][: self.shape.max_tokens]
        table = self.graph.constant(positions + self.weights["embeddings.token_type_embeddings.weight"][0])
        length = self.graph.node("Shape", [INPUT], start=1, end=2)
        zero = self.graph.constant(np.zeros(1, np.int64))
        here = self.graph.node("Slice", [table, zero, length])
        return self.add_and_normalise(INPUT, here, "embeddings")

    def layer(self, x: str, name: str) -> str:
        heads = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
        split = self.graph.nodes_out("Split", [self.linear(x, *heads)], 3, axis=-1, num_outputs=3)
        attended = self.graph.node("MultiHeadAttention", split, "com.microsoft", num_heads=self.shape.heads)
        out = self.linear(attended, f"{name}.attention.output.dense")
        x = self.add_and_normalise(out, x, f"{name}.attention.output")
        kind, domain = ACTIVATIONS[self.shape.activation]
        wide = self.graph.node(kind, [self.linear(x, f"{name}.intermediate.dense")], domain)
        return self.add_and_normalise(self.fine_linear(wide, f"{name}.output.dense"), x, f"{name}.output")

    def pool(self, x: str) -> str:
        if self.shape.pooling == "cls":
            return self.graph.node("Gather", [x, self.graph.constant(np.array(0, np.int64))], axis=1)
        return self.graph.node("ReduceMean", [x, self.graph.constant(np.ones(1, np.int64))], keepdims=0)

    def model(self) -> onnx.ModelProto:
        x = self.embeddings()
        for i in range(self.shape.layers):
            x = self.layer(x, f"encoder.layer.{i}")
        pooled = self.pool(x)
        length = self.graph.node("ReduceL2", [pooled, self.graph.constant(np.ones(1, np.int64))], keepdims=1)
        self.graph.nodes.append(helper.make_node("Div", [pooled, length], ["embedding"]))
        words = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, "tokens", self.shape.hidden])
        embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, self.shape.hidden])
        graph = helper.make_graph(self.graph.nodes, "bert", [words], [embedding], self.graph.initializers)
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def _balance(largest: Floats, weight: Floats) -> Floats:
    """Return a factor for each input channel: large ones are divided by it, their weights multiplied.

    Rounded to quarters of a power of two, so that the last bits of another processor's arithmetic make no other model.
    """
    share = np.maximum(largest, 1e-4) ** _BALANCE / np.maximum(np.abs(weight).max(axis=1), 1e-4) ** (1 - _BALANCE)
    exponent = np.log2(share) - np.log2(share).mean()
    factor: Floats = np.exp2(np.rint(4 * exponent) / 4).astype(np.float32)
    return factor


def build_bert(weights: Mapping[str, Floats], shape: BertShape, ranges: Mapping[str, Floats] | None) -> bytes:
    """Return the ONNX model: rows of the word table -> an embedding of unit length.

    Its input `words` is float32 (1, tokens, hidden), its output `embedding` float32 (1, hidden).

    weights: float32 arrays under transformers' BertModel names. ranges: the largest input each linear layer met, by its name and
    for each channel; None for float32. Raises KeyError for a weight that is not there.
    """
    return bytes(_Bert(weights, shape, ranges).model().SerializeToString())
