"""Restores one aligned face with PyTorch on the CPU: a whole process, to be timed against `kintsugi restore`."""
import time

began = time.monotonic()  # before the imports, which are a part of what a user waits for

import argparse
import json

import numpy as np
import torch
from PIL import Image

from codeformer import CodeFormer


def load(path, lean):
    if not lean:
        model = CodeFormer()
        model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["params_ema"], strict=True)
        return model.eval()
    # Nothing initialised, nothing copied: parameters stay where the file is mapped.
    with torch.device("meta"):
        model = CodeFormer()
    state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)["params_ema"]
    model.load_state_dict(state, strict=True, assign=True)
    return model.eval()


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("picture")
    p.add_argument("--weights", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("-w", type=float, default=0.5)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--lean", action="store_true", help="map the weights and skip initialisation")
    p.add_argument("--channels-last", action="store_true")
    o = p.parse_args()
    torch.set_num_threads(o.threads)
    model = load(o.weights, o.lean)
    pixels = np.asarray(Image.open(o.picture).convert("RGB"))
    x = torch.from_numpy((pixels / 255.0 - 0.5) / 0.5).float().permute(2, 0, 1)[None].contiguous()
    if o.channels_last:
        model, x = model.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    first = time.monotonic()
    with torch.inference_mode():
        image = model(x, w=o.w)[0]
    network = time.monotonic() - first
    levels = ((image[0].clamp(-1, 1) + 1) / 2 * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    Image.fromarray(levels).save(o.out)
    print(json.dumps({"network_began": first - began, "network_seconds": network, "torch": torch.__version__}))


if __name__ == "__main__":
    main()
