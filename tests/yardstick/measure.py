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


def run_process(command):
    """Wall and CPU seconds, peak resident MB and standard output of a child."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            sys.exit(f"{' '.join(command)}: ended with {child.returncode}")
        out.seek(0)
        text = out.read().decode()
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024, "output": text}


def kintsugi_facts(text, wall):
    """What is not the picture's own time is start, opening the weights, building the network and the end of the process."""
    report = json.loads(text)
    entry = (report if isinstance(report, list) else report["pictures"])[0]
    return {"before": wall - entry["seconds"], "picture": entry["seconds"]}


def torch_facts(text, wall):
    facts = json.loads(text)
    return {"before": facts["network_began"], "picture": facts["network_seconds"], "torch": facts["torch"]}


def programs(o, folder):
    """name -> (command, reader of what it prints, picture it writes)."""
    threads, w = str(o.threads), str(o.w)

    def ours(weights):
        out = os.path.join(folder, f"kintsugi_{len(os.listdir(folder))}.png")
        open(out, "w").close()
        command = [o.kintsugi, "restore", o.picture, "--weights", weights, "-o", out, "-w", w, "--threads", threads, "--json", "-q"]
        return command, kintsugi_facts, out

    def torch(name, *flags):
        out = os.path.join(folder, name + ".png")
        command = [o.python, os.path.join(HERE, "torch_restore.py"), o.picture, "--weights", o.weights, "--out", out, "-w", w, "--threads",
                   threads, *flags]
        return command, torch_facts, out

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
    bare = [run_process([o.kintsugi, "--version"])["wall"] for _ in range(5)]
    for _ in range(o.runs):
        for name, (command, reader, _) in table.items():
            result = run_process(command)
            result.update(reader(result.pop("output"), result["wall"]))
            runs[name].append(result)
    load.append(os.getloadavg()[0])

    report = {"cpu": cpu_name(), "cores": os.cpu_count(), "threads": o.threads, "runs": o.runs, "w": o.w, "load_average": load,
              "process_alone": statistics.median(bare), "programs": {}, "levels": {}}
    for name, results in runs.items():
        keys = [k for k in results[0] if isinstance(results[0][k], float)]
        report["programs"][name] = {k: statistics.median(r[k] for r in results) for k in keys} | {
            "fastest": min(r["wall"] for r in results), "torch": results[0].get("torch")}
        report["levels"][name] = difference(table["PyTorch"][2], table[name][2])
    ours = report["programs"]["kintsugi"]
    report["ratios"] = {name: {k: ours[k] / p[k] for k in ("wall", "fastest", "cpu", "peak_mb", "picture")}
                        for name, p in report["programs"].items() if name.startswith("PyTorch")}
    return report


def print_table(report):
    print(f"{report['cpu']}, {report['cores']} cores, {report['threads']} threads; {report['runs']} runs each, in turn; "
          f"load average {report['load_average'][0]:.1f} before, {report['load_average'][1]:.1f} after")
    print(f"{'medians':28} {'wall s':>8} {'fastest':>8} {'CPU s':>8} {'peak MB':>8} {'before s':>9} {'picture s':>10} {'levels':>7}")
    for name, p in report["programs"].items():
        label = name + (f" {p['torch'].split('+')[0]}" if name == "PyTorch" else "")
        print(f"{label:28} {p['wall']:8.2f} {p['fastest']:8.2f} {p['cpu']:8.2f} {p['peak_mb']:8.0f} {p['before']:9.3f} {p['picture']:10.2f} "
              f"{report['levels'][name]:7}")
    print("picture: with kintsugi from opening the picture to the written PNG, with PyTorch the network alone; before: kintsugi's process without "
          f"that, PyTorch from its first line to the network. A kintsugi process that does nothing takes {report['process_alone']:.3f} s")
    print("levels: largest difference to PyTorch's picture, of 255")
    for name, r in report["ratios"].items():
        print(f"kintsugi / {name}: " + ", ".join(f"{k} {v:.2f}" for k, v in r.items()))
