"""The PyTorch network against recorded vectors of the published one: codeformer_full and tiny_codeformer."""
import json
import os

import torch

from codeformer import CodeFormer
from formula import read_safetensors, state_dict

TOLERANCE = 2e-5  # of the largest value, as the vectors' description asks of whole networks in float32


def network(sizes, salt, prefix):
    model = CodeFormer(**sizes)
    model.load_state_dict(state_dict(model, salt, prefix), strict=True)
    return model.eval()


class Report:
    def __init__(self):
        self.failed = 0

    def values(self, name, got, want):
        want = torch.from_numpy(want.copy())
        error = ((got - want).abs().max() / want.abs().max()).item() if got.shape == want.shape else float("inf")
        self.line(name, error <= TOLERANCE, f"{error:.1e} (tolerance {TOLERANCE:.0e})")

    def line(self, name, good, what):
        self.failed += not good
        print(f"{'ok  ' if good else 'FAIL'} {name:32} {what}")


def check_full(folder, report):
    golden, _ = read_safetensors(os.path.join(folder, "codeformer_full.safetensors"))
    model = network({}, "kintsugi", "")
    x = ((torch.from_numpy(golden["input_u8"].copy()).double() / 255).float() - 0.5) / 0.5
    for w in ("0", "0.5", "1"):
        image, logits, lq = model(x, float(w))
        if w == "0":
            differ = int((logits.argmax(2) != torch.from_numpy(golden["indices"].copy())).sum())
            report.line("full indices", differ == 0, f"{differ} differ")
            report.values("full logits", logits, golden["logits"])
            report.values("full lq_feat", lq, golden["lq_feat"])
        report.values(f"full image w={w}", image, golden["out_w" + w])


def check_tiny(folder, report):
    golden, metadata = read_safetensors(os.path.join(folder, "tiny_codeformer.safetensors"))
    sizes = dict(size=64, nf=32, mult=(1, 1, 2), codes=64, width=32, heads=4, layers=2, connect=(32, 64), taps={64: 2, 32: 5},
                 sites={32: 9, 64: 12})
    model = network(sizes, "kintsugi", metadata["weight_prefix"])
    x = torch.from_numpy(golden["x"].copy())
    for case, facts in json.loads(metadata["cases"]).items():
        call = facts["kwargs"]
        image, logits, lq = model(x, call["w"], call.get("adain", False))
        report.values(f"tiny {case} image", image, golden[f"{case}/out"])
        for name, got in (("logits", logits), ("lq_feat", lq)):
            if f"{case}/{name}" in golden:
                report.values(f"tiny {case} {name}", got, golden[f"{case}/{name}"])


def run(folder):
    report = Report()
    with torch.inference_mode():
        check_tiny(folder, report)
        check_full(folder, report)
    return report.failed
