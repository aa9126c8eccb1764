"""Training steps with PyTorch on the CPU, timed against `kintsugi train`.

Reads one JSON object a line, the arguments of `timed`, and answers each with one. The process waits for its turn, so that PyTorch is loaded
once. Random pictures, made before the clock starts: nothing is loaded. The recipe is a run folder's, with every value.
"""
import argparse
import json
import math
import sys
import time
import tomllib

import torch

from codeformer import CodeFormer
from stages import Discriminator, Stage1, Stage2, Stage3, Vqgan


def sizes(recipe):
    m = recipe["model"]
    return dict(size=recipe["data"]["size"], nf=m["nf"], mult=m["ch_mult"], res_blocks=m["res_blocks"], attention=m["attn_resolutions"],
                emb=m["emb_dim"], codes=m["codebook_size"], groups=m["norm_groups"])


def networks(recipe, stage, gan):
    """file of a run folder -> the network that is in it."""
    m = recipe["model"]
    nets = {"vqgan.safetensors": Vqgan(**sizes(recipe), beta=m["beta"])}
    if stage > 1:
        former = CodeFormer(**sizes(recipe), width=m["dim_embd"], heads=m["n_head"], layers=m["n_layers"], connect=m["connect"])
        nets["codes.safetensors" if stage == 2 else "codeformer.safetensors"] = former
    if gan:
        nets["discriminator.safetensors"] = Discriminator(m["ndf"], m["d_layers"])
    return nets


def made(recipe, number, gan, nets):
    o = {"pixel_weight": 1, "lr_d": 0, **recipe[f"stage{number}"]}
    net, critic = list(nets.values())[min(number - 1, 1)], nets.get("discriminator.safetensors")
    if number == 1:
        return Stage1(o, net, critic)
    vqgan = nets["vqgan.safetensors"]
    return Stage2(o, net, vqgan) if number == 2 else Stage3(o, net, vqgan, o["phase_w"][0], critic)


def timed(recipe, stage, gan, channels_last, warm_up, steps):
    torch.manual_seed(0)
    nets = networks(recipe, stage, gan)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    for net in nets.values():
        net.to(memory_format=layout)
    training = made(recipe, stage, gan, nets)
    batch, size = recipe[f"stage{stage}"]["batch"], recipe["data"]["size"]
    gt, lq = ((torch.rand(batch, 3, size, size) * 2 - 1).contiguous(memory_format=layout) for _ in range(2))

    for _ in range(warm_up):
        training.step(gt, lq)
    wall, cpu = time.monotonic(), time.process_time()
    for _ in range(steps):
        losses = {name: loss.item() for name, loss in training.step(gt, lq).items()}
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    if not all(math.isfinite(v) for v in losses.values()):
        raise SystemExit(f"stage {stage}: not finite: {losses}")
    learners = {"g": training.learner, "d": training.judge}
    return {"wall": wall / steps, "cpu": cpu / steps, "torch": torch.__version__, "losses": losses,
            "trained": {part: sum(x.numel() for x in learner.parameters) for part, learner in learners.items() if learner},
            "networks": {file: {name: list(t.shape) for name, t in net.state_dict().items()} for file, net in nets.items()}}


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("recipe")
    p.add_argument("--threads", type=int, required=True)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    with open(a.recipe, "rb") as f:
        recipe = tomllib.load(f)
    for line in sys.stdin:
        print(json.dumps(timed(recipe, **json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
