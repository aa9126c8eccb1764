"""Whole processes that restore one face, timed one after the other in turn: `kintsugi restore` and PyTorch on the CPU."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def run_process(command, may_fail=False):
    """Wall and CPU seconds, peak resident MB and standard output of a child."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL if may_fail else None)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0 and not may_fail:
            sys.exit(f"{' '.join(command)}: ended with {child.returncode}")
        out.seek(0)
        text = out.read().decode()
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024, "output": text}


def start_up(o):
    """A restore of something that is no picture: the program starts, opens the weights, builds the network, and gives up. Median."""
    with tempfile.TemporaryDirectory() as folder:
        nothing = os.path.join(folder, "nothing.png")
        with open(nothing, "w") as f:
            f.write("no picture")
        command = [o.kintsugi, "restore", nothing, "--weights", o.converted or o.weights, "-o", os.path.join(folder, "out.png"), "-q"]
        return statistics.median(run_process(command, may_fail=True)["wall"] for _ in range(7))


def programs(o, folder):
    """name -> (command, picture it writes)."""
    threads, w = str(o.threads), str(o.w)

    def ours(weights):
        out = os.path.join(folder, f"kintsugi_{len(os.listdir(folder))}.png")
        open(out, "w").close()
        command = [o.kintsugi, "restore", o.picture, "--weights", weights, "-o", out, "-w", w, "--threads", threads, "-q"]
        return command, out

    def torch(name, *flags):
        out = os.path.join(folder, name + ".png")
        command = [o.python, os.path.join(HERE, "torch_restore.py"), o.picture, "--weights", o.weights, "--out", out, "-w", w, "--threads",
                   threads, *flags]
        return command, out

    table = {"kintsugi": ours(o.converted or o.weights)}
    table["PyTorch"] = torch("torch")
    table["PyTorch, channels last"] = torch("torch_channels_last", "--channels-last")
    if o.all:
        if o.converted:
            table["kintsugi, .pth"] = ours(o.weights)
        table["PyTorch, weights mapped"] = torch("torch_lean", "--lean")
    return table


def difference(a, b):
    """Largest difference of two pictures in 8-bit levels."""
    import numpy as np
    from PIL import Image

    return int(np.abs(np.asarray(Image.open(a)).astype(int) - np.asarray(Image.open(b)).astype(int)).max())


def cpu_name():
    with open("/proc/cpuinfo") as f:
        return next((line.split(":")[1].strip() for line in f if line.startswith("model name")), "unknown")


def measure(o):
    folder = tempfile.mkdtemp()
    try:
        return measured(o, programs(o, folder))
    finally:
        shutil.rmtree(folder)


def measured(o, table):
    load = [os.getloadavg()[0]]
    runs = {name: [] for name in table}
    started = start_up(o)
    for _ in range(o.runs):
        for name, (command, _) in table.items():
            result = run_process(command)
            result.update(json.loads(result.pop("output") or "{}"))  # PyTorch's script tells its own times
            runs[name].append(result)
    load.append(os.getloadavg()[0])

    report = {"cpu": cpu_name(), "cores": os.cpu_count(), "threads": o.threads, "runs": o.runs, "w": o.w, "load_average": load,
              "programs": {}, "levels": {}}
    for name, results in runs.items():
        keys = [k for k in results[0] if isinstance(results[0][k], float)]
        report["programs"][name] = {k: statistics.median(r[k] for r in results) for k in keys} | {
            "fastest": min(r["wall"] for r in results), "torch": results[0].get("torch")}
        report["levels"][name] = difference(table["PyTorch"][1], table[name][1])
    ours = report["programs"]["kintsugi"]
    ours["network_began"] = started
    report["ratios"] = {name: {k: ours[k] / p[k] for k in ("wall", "fastest", "cpu", "peak_mb")}
                        for name, p in report["programs"].items() if name.startswith("PyTorch")}
    return report


def print_table(report):
    print(f"{report['cpu']}, {report['cores']} cores, {report['threads']} threads; {report['runs']} runs each, in turn; "
          f"load average {report['load_average'][0]:.1f} before, {report['load_average'][1]:.1f} after")
    print(f"{'medians':28} {'wall s':>8} {'fastest':>8} {'CPU s':>8} {'peak MB':>8} {'network s':>10} {'begins at':>10} {'levels':>7}")
    for name, p in report["programs"].items():
        def cell(key, digits):
            return f"{p[key]:.{digits}f}" if key in p else "-"

        label = name + (f" {p['torch'].split('+')[0]}" if name == "PyTorch" else "")
        print(f"{label:28} {p['wall']:8.2f} {p['fastest']:8.2f} {p['cpu']:8.2f} {p['peak_mb']:8.0f} {cell('network_seconds', 2):>10} "
              f"{cell('network_began', 3):>10} {report['levels'][name]:7}")
    print("begins at: when the network could begin; for kintsugi a whole process that opens the weights, builds the network and finds no picture, "
          "for PyTorch from the script's first line")
    print("levels: largest difference to PyTorch's picture, of 255")
    for name, r in report["ratios"].items():
        print(f"kintsugi / {name}: " + ", ".join(f"{k} {v:.2f}" for k, v in r.items()))
