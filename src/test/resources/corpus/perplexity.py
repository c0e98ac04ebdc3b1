#!/usr/bin/env python3
"""Perplexity of gpt2-shakespeare in f64 with NumPy, sharing no code with Tandem: windows of 256.

usage: tandem tokenize --json - < TEXT | perplexity.py MODEL_DIRECTORY LAST_TOKENS
"""
import json
import pathlib
import sys

import numpy as np

HEADS, WINDOW = 4, 256


def read(path):
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for name, info in json.loads(data[8:start]).items():
        if name != "__metadata__":
            begin, end = info["data_offsets"]
            values = np.frombuffer(data[start + begin : start + end], np.float16)
            tensors[name] = values.astype(np.float64).reshape(info["shape"])
    return tensors


def norm(x, w, name):
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return scaled * w[name + ".weight"] + w[name + ".bias"]


def linear(x, w, name):
    return x @ w[name + ".weight"] + w[name + ".bias"]


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def losses(w, ids):
    n = len(ids)
    x = w["wte.weight"][ids] + w["wpe.weight"][:n]
    mask = np.triu(np.full((n, n), -np.inf), 1)
    for layer in range(sum(name.endswith("attn.c_attn.weight") for name in w)):
        h = f"h.{layer}."
        q, k, v = np.split(linear(norm(x, w, h + "ln_1"), w, h + "attn.c_attn"), 3, -1)
        heads = []
        for qh, kh, vh in zip(*(np.split(m, HEADS, -1) for m in (q, k, v))):
            heads.append(softmax(qh @ kh.T / np.sqrt(qh.shape[-1]) + mask) @ vh)
        x = x + linear(np.concatenate(heads, -1), w, h + "attn.c_proj")
        u = linear(norm(x, w, h + "ln_2"), w, h + "mlp.c_fc")
        u = u / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (u + 0.044715 * u**3)))
        x = x + linear(u, w, h + "mlp.c_proj")
    p = softmax(norm(x, w, "ln_f") @ w["wte.weight"].T)
    return -np.log(p[np.arange(n - 1), ids[1:]])


weights = read(pathlib.Path(sys.argv[1]) / "model.safetensors")
tokens = np.array(json.load(sys.stdin)["ids"][-int(sys.argv[2]) :])
loss = np.concatenate([losses(weights, tokens[i : i + WINDOW]) for i in range(0, len(tokens), WINDOW)])
print(f"{len(loss)} tokens, {loss.mean():.9f} nats, perplexity {np.exp(loss.mean()):.7f}")
