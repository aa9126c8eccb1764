"""Weights that are a pure function of (salt, name, index), as the recorded vectors have them, and files of tensors.

    h = fnv1a64(salt + "/" + name);  x = splitmix64(h + i);  v = 2 (x >> 40) / 2^24 - 1;  value = float32(offset + scale v)
"""
import json
import math

import numpy as np

TYPES = {"F64": np.float64, "F32": np.float32, "I64": np.int64, "I32": np.int32, "U8": np.uint8}


def fnv1a64(text):
    h = 0xCBF29CE484222325
    for byte in text.encode():
        h = (h ^ byte) * 0x100000001B3 % 2**64
    return h


def formula(salt, name, shape, offset=0.0, scale=1.0):
    """float32 array, row-major index."""
    u64 = np.uint64
    with np.errstate(over="ignore"):
        x = u64(fnv1a64(f"{salt}/{name}")) + np.arange(math.prod(shape), dtype=u64) + u64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> u64(30))) * u64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> u64(27))) * u64(0x94D049BB133111EB)
        x ^= x >> u64(31)
    v = 2 * ((x >> u64(40)) / 2.0**24) - 1
    return (offset + scale * v).astype(np.float32).reshape(shape)


def parameter(salt, name, shape):
    """The value of a network's parameter or buffer by its full name, prefix included: scales keep activations of a deep network in range."""
    if name.endswith("num_batches_tracked"):
        offset, scale = 0, 0
    elif name.endswith(("running_mean", "running_var")):
        offset, scale = int(name.endswith("var")), 0.1
    elif name == "position_emb":
        offset, scale = 0, 0.5
    elif name.endswith("embedding.weight"):
        offset, scale = 0, 1
    elif name.endswith("bias"):
        offset, scale = 0, 0.05
    elif len(shape) == 1:
        offset, scale = 1, 0.1
    else:
        offset, scale = 0, math.sqrt(3 / math.prod(shape[1:]))
        if name.endswith("self_attn.out_proj.weight"):
            scale *= 0.25
    return formula(salt, name, shape, offset, scale)


def state_dict(model, salt="kintsugi", prefix=""):
    import torch

    return {name: torch.from_numpy(parameter(salt, prefix + name, tuple(t.shape))) for name, t in model.state_dict().items()}


def read_safetensors(path):
    """(tensors, metadata) of a safetensors file."""
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        data = f.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, e in header.items():
        begin, end = e["data_offsets"]
        tensors[name] = np.frombuffer(data[begin:end], TYPES[e["dtype"]]).reshape(e["shape"])
    return tensors, metadata
