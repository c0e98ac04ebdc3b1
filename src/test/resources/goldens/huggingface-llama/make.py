"""A random Llama as Hugging Face stores it, and its logits in float64 by transformers' definitions:
rotary embedding of halves (rotate_half), grouped heads, biases of q, k and v, Llama 3.1's scaling of
the frequencies. Made with PyTorch 1.13, without transformers.

Usage: python3 make.py (writes beside itself)
"""

import json
import math
import os
import struct

import torch

torch.manual_seed(2)
torch.set_default_dtype(torch.float64)
HERE = os.path.dirname(os.path.abspath(__file__))
DIM, FF, LAYERS, HEADS, KV_HEADS, HEAD_DIM, VOCAB, CONTEXT = 16, 24, 2, 4, 2, 6, 512, 64
EPS, THETA = 1e-5, 125.0  # one wave below, one between and one above the limits
SCALING = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
           "original_max_position_embeddings": 64}

names = {"model.embed_tokens.weight": (VOCAB, DIM), "model.norm.weight": (DIM,)}
for n in range(LAYERS):
    block = f"model.layers.{n}."
    for name, heads in (("q", HEADS), ("k", KV_HEADS), ("v", KV_HEADS)):
        names[f"{block}self_attn.{name}_proj.weight"] = (heads * HEAD_DIM, DIM)
        names[f"{block}self_attn.{name}_proj.bias"] = (heads * HEAD_DIM,)
    names[f"{block}self_attn.o_proj.weight"] = (DIM, HEADS * HEAD_DIM)
    names[f"{block}mlp.gate_proj.weight"] = (FF, DIM)
    names[f"{block}mlp.up_proj.weight"] = (FF, DIM)
    names[f"{block}mlp.down_proj.weight"] = (DIM, FF)
    names[f"{block}input_layernorm.weight"] = (DIM,)
    names[f"{block}post_attention_layernorm.weight"] = (DIM,)
weights = {name: (torch.randn(shape) * (0.7 if len(shape) == 1 else 0.5)).float().double()
           for name, shape in names.items()}

header, data = {}, b""
for name, tensor in weights.items():
    raw = struct.pack(f"<{tensor.numel()}f", *tensor.flatten().tolist())
    header[name] = {"dtype": "F32", "shape": list(tensor.shape),
                    "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(os.path.join(HERE, "model.safetensors"), "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data)
with open(os.path.join(HERE, "config.json"), "w") as file:
    json.dump({"model_type": "qwen2", "hidden_act": "silu", "hidden_size": DIM,
               "intermediate_size": FF, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
               "num_key_value_heads": KV_HEADS, "head_dim": HEAD_DIM, "vocab_size": VOCAB,
               "max_position_embeddings": CONTEXT, "rms_norm_eps": EPS, "rope_theta": THETA,
               "rope_scaling": SCALING, "tie_word_embeddings": True}, file, indent=1)


def inverse_frequencies():
    result = []
    for i in range(HEAD_DIM // 2):
        frequency = 1 / THETA ** (2 * i / HEAD_DIM)
        wavelength = 2 * math.pi / frequency
        original, factor = SCALING["original_max_position_embeddings"], SCALING["factor"]
        low, high = SCALING["low_freq_factor"], SCALING["high_freq_factor"]
        if wavelength > original / low:
            frequency /= factor
        elif wavelength >= original / high:
            smooth = (original / wavelength - low) / (high - low)
            frequency = (1 - smooth) * frequency / factor + smooth * frequency
        result.append(frequency)
    return torch.tensor(result)


def norm(x, gain):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS) * gain


def rotate_half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def forward(ids):
    positions = torch.arange(len(ids)).double()
    angles = torch.outer(positions, inverse_frequencies())
    angles = torch.cat((angles, angles), -1)
    cos, sin = angles.cos(), angles.sin()
    x = weights["model.embed_tokens.weight"][torch.tensor(ids)]
    mask = torch.full((len(ids), len(ids)), float("-inf")).triu(1)
    for n in range(LAYERS):
        w = {k.replace(f"model.layers.{n}.", ""): v for k, v in weights.items()}
        h = norm(x, w["input_layernorm.weight"])

        def heads(name, count):
            y = h @ w[f"self_attn.{name}_proj.weight"].t() + w[f"self_attn.{name}_proj.bias"]
            return y.view(len(ids), count, HEAD_DIM).transpose(0, 1)

        q, k, v = heads("q", HEADS), heads("k", KV_HEADS), heads("v", KV_HEADS)
        q, k = (y * cos + rotate_half(y) * sin for y in (q, k))
        k, v = (y.repeat_interleave(HEADS // KV_HEADS, 0) for y in (k, v))
        scores = (q @ k.transpose(1, 2) / math.sqrt(HEAD_DIM) + mask).softmax(-1)
        mixed = (scores @ v).transpose(0, 1).reshape(len(ids), -1)
        x = x + mixed @ w["self_attn.o_proj.weight"].t()
        h = norm(x, w["post_attention_layernorm.weight"])
        gate = torch.nn.functional.silu(h @ w["mlp.gate_proj.weight"].t())
        x = x + (gate * (h @ w["mlp.up_proj.weight"].t())) @ w["mlp.down_proj.weight"].t()
    return norm(x, weights["model.norm.weight"]) @ weights["model.embed_tokens.weight"].t()


ids = torch.randint(3, VOCAB, (40,)).tolist()
prompt, gap, rows = list(ids), math.inf, []
for _ in range(20):
    logits = forward(ids)[-1]
    best = logits.topk(2)
    gap = min(gap, (best.values[0] - best.values[1]).item())
    rows.append(logits[:16].tolist())
    ids.append(best.indices[0].item())
with open(os.path.join(HERE, "greedy.json"), "w") as file:
    json.dump([{"prompt_ids": prompt, "greedy_ids": ids[len(prompt):], "min_top2_gap": gap,
                "logits_first16": rows}], file)
