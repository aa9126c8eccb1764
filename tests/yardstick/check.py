"""The PyTorch networks and training steps against recorded vectors of the published ones: codeformer_full, tiny_codeformer, tiny_step_stage1 to 3."""
import json
import os

import torch

from codeformer import CodeFormer
from formula import read_safetensors, state_dict
from stages import Discriminator, Stage1, Stage2, Stage3, Vqgan

TOLERANCE = 2e-5  # of the largest value, as the vectors' description asks of whole networks in float32
GRADIENT = 2e-3  # in L2, likewise: activations and L1 have kinks
TINY = dict(size=64, nf=32, mult=(1, 1, 2), codes=64)
TINY_VQGAN = dict(TINY, attention=(16,))
TINY_FORMER = dict(TINY, width=32, heads=4, layers=2, connect=(32, 64), taps={64: 2, 32: 5}, sites={32: 9, 64: 12})
STEP = dict(lr=1e-4, lr_d=0, beta1=0.9, beta2=0.99, weight_decay=0, ema=0.995, pixel_weight=1, gan_weight=0.1, adaptive_max=1, codebook_weight=1,
            feature_weight=1, entropy_weight=0.5)


def filled(model, salt, prefix):
    model.load_state_dict(state_dict(model, salt, prefix), strict=True)
    return model


def network(sizes, salt, prefix):
    return filled(CodeFormer(**sizes), salt, prefix).eval()


class Report:
    def __init__(self):
        self.failed = 0

    def values(self, name, got, want):
        want = torch.from_numpy(want.copy())
        error = ((got - want).abs().max() / want.abs().max()).item() if got.shape == want.shape else float("inf")
        self.line(name, error <= TOLERANCE, f"{error:.1e} (tolerance {TOLERANCE:.0e})")

    def gradient(self, name, got, want):
        error = ((got - torch.from_numpy(want.copy())).norm() / float((want**2).sum() ** 0.5)).item()
        self.line(name, error <= GRADIENT, f"{error:.1e} (tolerance {GRADIENT:.0e})")

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
    model = network(TINY_FORMER, "kintsugi", metadata["weight_prefix"])
    x = torch.from_numpy(golden["x"].copy())
    for case, facts in json.loads(metadata["cases"]).items():
        call = facts["kwargs"]
        image, logits, lq = model(x, call["w"], call.get("adain", False))
        report.values(f"tiny {case} image", image, golden[f"{case}/out"])
        for name, got in (("logits", logits), ("lq_feat", lq)):
            if f"{case}/{name}" in golden:
                report.values(f"tiny {case} {name}", got, golden[f"{case}/{name}"])


def check_step(report, golden, case, names, stage, losses, gradients):
    """What the recorded steps' LPIPS term has no part in: single losses, the discriminator's gradients, and all gradients of steps on codes."""
    recorded = dict(zip(names, golden[case + "losses"]))
    for name, loss in losses.items():
        error = abs(loss.item() - recorded[name]) / abs(recorded[name])
        report.line(f"{case}{name}", error <= TOLERANCE, f"{error:.1e} (tolerance {TOLERANCE:.0e})")
    networks = [("grad/", stage.net)] if gradients else []
    if stage.judge:
        networks.append(("d_grad/", stage.critic))
    for kind, net in networks:
        for name, p in net.named_parameters():
            # A gradient that is zero but for rounding has no relative error.
            if (want := golden.get(case + kind + name)) is not None and abs(want).max() > 1e-6:
                report.gradient(case + kind + name, p.grad, want)
    if gradients:
        stage.learner.step()
        averages = dict(zip((n for n, p in stage.net.named_parameters() if p.requires_grad), stage.learner.average))
        for name in averages:
            if (want := golden.get(f"{case}ema_after/{name}")) is not None:
                report.values(f"{case}ema_after/{name}", averages[name], want)


def check_steps(folder, report):
    def recorded(n):
        golden, metadata = read_safetensors(os.path.join(folder, f"tiny_step_stage{n}.safetensors"))
        cases = json.loads(metadata["cases"]) if "cases" in metadata else {"": {"loss_names": json.loads(metadata["loss_names"])}}
        return golden, cases, {k: torch.from_numpy(golden[k].copy()) for k in ("gt", "in", "in_large") if k in golden}

    def critic():
        return filled(Discriminator(8, 4), "kintsugi", "tiny_s1_d/")

    golden, cases, pictures = recorded(1)
    stage = Stage1(STEP, filled(Vqgan(**TINY_VQGAN, res_blocks=1, emb=32), "kintsugi", "tiny_s1/"), critic())
    check_step(report, golden, "", cases[""]["loss_names"], stage, stage.gradients(pictures["gt"]), False)

    def former():
        net = filled(CodeFormer(**TINY_FORMER), "kintsugi", "tiny_cf/")
        vqgan = filled(Vqgan(**TINY_VQGAN, res_blocks=2, emb=256), "kintsugi", "tiny_cf_vqgan/")
        vqgan.quantize.load_state_dict(net.quantize.state_dict())
        return net, vqgan

    for n in (2, 3):
        golden, cases, pictures = recorded(n)
        for case, facts in cases.items():
            w = {"iter30000/": 1, "iter60000/": 1.3}.get(case)  # the others are steps on codes
            o = STEP | {"ema": 0.995 if n == 2 else 0.997, "lr": 1e-4 if n == 2 else 5e-5}
            stage = Stage3(o, *former(), w, critic()) if w else Stage2(o, *former())
            losses = stage.gradients(pictures["gt"], pictures["in_large" if case == "iter100001/" else "in"])
            check_step(report, golden, case, facts["loss_names"], stage, losses, w is None)


def run(folder):
    report = Report()
    check_steps(folder, report)
    with torch.inference_mode():
        check_tiny(folder, report)
        check_full(folder, report)
    return report.failed
