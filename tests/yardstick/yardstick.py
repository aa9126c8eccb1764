#!/usr/bin/env python3
"""How `kintsugi restore` and `kintsugi train` compare with PyTorch on a CPU: the same network and picture, the same steps. See README.md."""
import argparse
import json
import os
import sys


SMALL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "apps", "recipes", "codeformer", "restore_small.toml")


def parser():
    p = argparse.ArgumentParser(description=__doc__)
    commands = p.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="the PyTorch network against recorded vectors")
    check.add_argument("golden", help="folder of codeformer_full.safetensors and tiny_codeformer.safetensors")
    weights = commands.add_parser("weights", help="write a CodeFormer with formula weights as torch.save does")
    weights.add_argument("out", help=".pth file to write")
    measure = commands.add_parser("measure", help="time both programs in turn")
    measure.add_argument("--kintsugi", required=True, help="the program")
    measure.add_argument("--weights", required=True, help="CodeFormer .pth, read by both")
    measure.add_argument("--converted", help="the same weights after `kintsugi convert`, which kintsugi then reads")
    measure.add_argument("--picture", required=True, help="512 x 512 PNG")
    measure.add_argument("-w", type=float, default=0.5)
    measure.add_argument("--threads", type=int, default=2)
    measure.add_argument("--runs", type=int, default=5)
    measure.add_argument("--python", default=sys.executable, help="interpreter that has torch")
    measure.add_argument("--all", action="store_true", help="also kintsugi on the .pth, and PyTorch with the weights mapped")
    measure.add_argument("--json", help="write the figures there")
    train = commands.add_parser("train", help="time steps of each training stage in turn")
    train.add_argument("--kintsugi", required=True, help="the program")
    train.add_argument("--recipe", default=SMALL, help="training recipe (default: restore_small.toml)")
    train.add_argument("--source", default="drawn", help="folder or pack of faces; default: drawn ones")
    train.add_argument("--steps", type=int, default=10, help="that are timed, of each stage")
    train.add_argument("--warm-up", type=int, default=3, help="steps before those")
    train.add_argument("--threads", type=int, default=2)
    train.add_argument("--runs", type=int, default=1)
    train.add_argument("--busy", action="store_true", help="other work runs beside: PyTorch's threads sleep while they wait (OMP_WAIT_POLICY) and do not spin")
    train.add_argument("--python", default=sys.executable, help="interpreter that has torch")
    train.add_argument("--json", help="write the figures there")
    return p


def need(*modules):
    missing = []
    for m in modules:
        try:
            __import__(m)
        except ImportError as e:
            missing.append(f"{m} ({e})")
    if missing:
        sys.exit("yardstick: needs PyTorch, NumPy and Pillow, which the program itself does not; missing: " + ", ".join(missing) +
                 "\n  python3 -m venv venv && venv/bin/pip install torch numpy pillow")


def main():
    o = parser().parse_args()
    need("numpy", "PIL")
    if o.command in ("measure", "train"):  # torch stays out of this process: a child's peak begins with its parent's size
        if o.command == "measure":
            from measure import measure as take, print_table
        else:
            from train import print_table, train as take

        report = take(o)
        print_table(report)
        if o.json:
            with open(o.json, "w") as f:
                json.dump(report, f, indent=2)
        return
    need("torch")
    if o.command == "check":
        import check

        failed = check.run(o.golden)
        sys.exit(f"{failed} comparisons failed" if failed else 0)
    import torch

    from codeformer import CodeFormer
    from formula import state_dict

    with torch.device("meta"):
        model = CodeFormer()
    torch.save({"params_ema": state_dict(model)}, o.out)


if __name__ == "__main__":
    main()
