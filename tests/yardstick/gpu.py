#!/usr/bin/env python3
"""PyTorch on this GPU, for ./run gpu: the rates that kernels are held against, and the whole CodeFormer, eager and compiled.

Times are medians of CUDA events after warm-up. Everything is bf16 and channels_last unless a name says otherwise. What does not fit the
budget of seconds is left out and named in "not_run".
"""
import argparse
import json
import os
import sys
import time

import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def median_ms(run, seconds=1.0, warm_up=3):
    for _ in range(warm_up):
        run()
    torch.cuda.synchronize()
    times, until = [], time.monotonic() + seconds
    while len(times) < 5 or (time.monotonic() < until and len(times) < 200):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        run()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end))
    return sorted(times)[len(times) // 2]


def image(n, c, h, w):
    return torch.randn(n, c, h, w, device="cuda", dtype=torch.bfloat16).contiguous(memory_format=torch.channels_last)


def rates():
    """GB/s counting bytes read and written, TFLOP/s counting multiplications and additions."""
    found = {}
    source = torch.empty(1 << 28, device="cuda")
    target = torch.empty_like(source)
    found["copy_gb_s"] = 2 * source.nbytes / median_ms(lambda: target.copy_(source)) / 1e6
    del source, target
    a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    found["matmul_8192_bf16_tflops"] = 2 * 8192**3 / median_ms(lambda: a @ b) / 1e9
    for c, size in ((64, 512), (128, 256), (256, 64), (512, 16)):
        x, weight = image(16, c, size, size), image(c, c, 3, 3)
        flops = 2 * 16 * size * size * c * c * 9
        found[f"conv3x3_{c}_{size}_tflops"] = flops / median_ms(lambda: F.conv2d(x, weight, padding=1), 0.5) / 1e9
    x, gamma = image(16, 128, 256, 256), torch.ones(128, device="cuda", dtype=torch.bfloat16)
    ms = median_ms(lambda: F.silu(F.group_norm(x, 32, gamma, gamma)), 0.5)
    found["group_norm_silu_gb_s"] = 2 * x.nbytes / ms / 1e6  # read once, written once
    q, k, v = (torch.randn(16, 8, 256, 64, device="cuda", dtype=torch.bfloat16) for _ in range(3))
    found["attention_16x8x256x64_tflops"] = 4 * 16 * 8 * 256 * 256 * 64 / median_ms(lambda: F.scaled_dot_product_attention(q, k, v), 0.5) / 1e9
    return found


def network(deadline):
    try:
        from codeformer import CodeFormer
    except ImportError:
        return {}, ["network (tests/yardstick/codeformer.py is not part of this version)"]
    found, left_out = {}, []

    def made():
        return CodeFormer().cuda().to(torch.bfloat16).to(memory_format=torch.channels_last)

    def forward(model, batch, name):
        x = image(batch, 3, 512, 512)
        with torch.inference_mode():
            found[f"forward_{name}_batch{batch}_ms"] = median_ms(lambda: model(x, w=0.5), 3)

    def training(model, batch, name):
        x, target = image(batch, 3, 512, 512), image(batch, 3, 512, 512)
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5)

        def step():
            optimiser.zero_grad(set_to_none=True)
            F.l1_loss(model(x, w=0.5)[0], target).backward()
            optimiser.step()

        found[f"step_{name}_batch{batch}_ms"] = median_ms(step, 3)

    jobs = [(f"{kind}_{name}_batch{batch}", run, batch, name)
            for name in ("eager", "compiled") for kind, run, batch in (("forward", forward, 1), ("forward", forward, 16), ("step", training, 4))]
    models = {}
    for label, run, batch, name in jobs:
        if time.monotonic() > deadline:
            left_out.append(label + " (out of time)")
            continue
        try:
            if name not in models:
                models[name] = made() if name == "eager" else torch.compile(made())
            run(models[name], batch, name)
        except RuntimeError as e:
            left_out.append(f"{label} ({str(e).splitlines()[0]})")
    return found, left_out


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--out", required=True, help="JSON file to write")
    p.add_argument("--budget", type=float, default=80, help="seconds; nothing is begun after that")
    o = p.parse_args()
    began = time.monotonic()
    torch.manual_seed(0)
    report = {"torch": torch.__version__, "gpu": torch.cuda.get_device_name(0), "rates": rates()}
    report["network"], report["not_run"] = network(began + o.budget)
    with open(o.out, "w") as f:
        json.dump(report, f, indent=2)
    print(f"{len(report['rates']) + len(report['network'])} figures, not run: {', '.join(report['not_run']) or 'none'}")


if __name__ == "__main__":
    main()
