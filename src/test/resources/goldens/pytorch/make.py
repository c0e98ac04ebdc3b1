"""Checkpoints as PyTorch itself saves them, and what is in them. Made with PyTorch 1.13.

Usage: python3 make.py (writes beside itself)
"""

import hashlib
import json
import os

import torch

torch.manual_seed(1)
HERE = os.path.dirname(os.path.abspath(__file__))
DIM, LAYERS, VOCAB, CONTEXT = 8, 2, 24, 6


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1 = torch.nn.LayerNorm(DIM)
        self.attn = torch.nn.ModuleDict(
            {"c_attn": torch.nn.Linear(DIM, 3 * DIM), "c_proj": torch.nn.Linear(DIM, DIM)})
        self.ln_2 = torch.nn.LayerNorm(DIM)
        self.mlp = torch.nn.ModuleDict(
            {"c_fc": torch.nn.Linear(DIM, 4 * DIM), "c_proj": torch.nn.Linear(4 * DIM, DIM)})


class Model(torch.nn.Module):
    """The parameters of a nanoGPT, with its tied head."""

    def __init__(self):
        super().__init__()
        self.transformer = torch.nn.ModuleDict({
            "wte": torch.nn.Embedding(VOCAB, DIM),
            "wpe": torch.nn.Embedding(CONTEXT, DIM),
            "h": torch.nn.ModuleList([Block() for _ in range(LAYERS)]),
            "ln_f": torch.nn.LayerNorm(DIM),
        })
        self.lm_head = torch.nn.Linear(DIM, VOCAB, bias=False)
        self.transformer.wte.weight = self.lm_head.weight


def digests(state, in_out=False):
    """SHA-256 of each tensor's bytes; linear layers as [out, in]."""
    result = {}
    for name, tensor in state.items():
        tensor = tensor.detach()
        if in_out and ".c_" in name and tensor.dim() == 2:
            tensor = tensor.t()
        if tensor.dim() == 1:
            tensor = tensor.float()
        bits = {torch.float32: torch.int32}.get(tensor.dtype, torch.int16)
        numbers = tensor.contiguous().view(bits).flatten().tolist()
        size = 4 if bits == torch.int32 else 2
        raw = b"".join(n.to_bytes(size, "little", signed=True) for n in numbers)
        name = name.replace("_orig_mod.", "").replace("transformer.", "")
        result[name] = hashlib.sha256(raw).hexdigest()
    return result


def save(name, thing, **how):
    torch.save(thing, os.path.join(HERE, name), **how)


model = Model()
for parameter in model.parameters():
    torch.nn.init.normal_(parameter)
model_args = dict(n_layer=LAYERS, n_head=2, n_embd=DIM, block_size=CONTEXT, bias=True,
                  vocab_size=VOCAB, dropout=0.0)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
sum((p * p).sum() for p in model.parameters()).backward()
optimizer.step()
state = model.state_dict()
expected = {}

# a training checkpoint of a compiled model
compiled = type(state)(("_orig_mod." + k, v) for k, v in state.items())
save("nanogpt.pt", {"model": compiled, "optimizer": optimizer.state_dict(),
                    "model_args": model_args, "iter_num": 7, "best_val_loss": torch.tensor(1.5),
                    "config": {"out_dir": "out", "learning_rate": 6e-4, "compile": True}})
expected["nanogpt.pt"] = digests(state)

# views: Conv1D weights that are transposed views, an embedding cut out of a larger one, bfloat16
views = type(state)((k, v.detach().t() if ".c_" in k and v.dim() == 2 else v.detach())
                    for k, v in state.items())
larger = torch.randn(VOCAB + 4, DIM + 3)
views["transformer.wte.weight"] = larger[2:-2, 1:-2]
views["transformer.wpe.weight"] = larger.t()[:CONTEXT, :DIM]
views["transformer.h.0.attn.c_proj.weight"] = views["transformer.h.0.attn.c_proj.weight"].contiguous()
views["transformer.h.1.mlp.c_fc.weight"] = views["transformer.h.1.mlp.c_fc.weight"].bfloat16()
views["transformer.h.1.mlp.c_proj.weight"] = views["transformer.h.1.mlp.c_proj.weight"].half()
del views["lm_head.weight"]
save("views.pt", views)
expected["views.pt"] = digests(views, in_out=True)

# parameters, not tensors, in a plain dictionary, by pickle protocol 4
parameters = dict(model.named_parameters())
save("parameters.pt", {"state_dict": parameters}, pickle_protocol=4)
expected["parameters.pt"] = digests(parameters)

save("module.pt", torch.nn.Linear(2, 2))  # needs its class to be loaded
save("old.pt", {"model": {"w": torch.zeros(1)}}, _use_new_zipfile_serialization=False)

with open(os.path.join(HERE, "expected.json"), "w") as file:
    json.dump(expected, file, indent=1)
