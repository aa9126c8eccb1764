"""Steps of each training stage, `kintsugi train` and PyTorch on the CPU in turn: images/s, waiting for data, CPU time."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib

from measure import HERE, cpu_name, run_process

CASES = {"I": (1, False), "I, discriminator": (1, True), "II": (2, False), "III": (3, False), "III, discriminator": (3, True)}
LAYOUTS = {"PyTorch": False, "PyTorch, channels last": True}  # channels last?
NEVER = 1 << 29  # an iteration no run comes to
TICK = os.sysconf("SC_CLK_TCK")


class Bench:
    def __init__(self, o, folder):
        self.o, self.folder, self.base = o, folder, os.path.join(folder, "base")
        # Every stage at its most common step: stage III on images, w constant; nothing but steps in the time that is taken.
        self.settings = {"data.source": o.source, "data.identities": 64, "data.validation": 1, "keep_last": 10, "stage1.revive_every": 0,
                         "stage3.phase_ends": "[]", "stage3.phase_w": "[1]", "stage3.phase_small_every": "[1]", "watch.window": o.steps}
        for n in (1, 2, 3):
            self.settings |= {f"stage{n}.save_every": 0, f"stage{n}.validate_every": 0}
        # All files that later stages start from, and whose sizes are compared.
        self.train(self.base, None, {f"stage{n}.steps": 1 for n in (1, 2, 3)} | self.gan(True))
        self.recipe = os.path.join(self.base, "recipe.toml")
        with open(self.recipe, "rb") as f:
            self.resolved = tomllib.load(f)
        refuse_other_work(self.resolved)
        environment = dict(os.environ, OMP_WAIT_POLICY="PASSIVE") if o.busy else None
        self.torch = subprocess.Popen([o.python, os.path.join(HERE, "torch_train.py"), self.recipe, "--threads", str(o.threads)], env=environment,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def close(self):
        self.torch.stdin.close()
        self.torch.wait()

    @staticmethod
    def gan(on):
        return {f"stage{n}.gan_start": 0 if on else NEVER for n in (1, 3)}

    def command(self, out, stage, settings):
        assigned = self.settings | settings | {"out": out}
        command = [self.o.kintsugi, "train", self.o.recipe, "--threads", str(self.o.threads), "--device", "cpu", "-q"]
        for key, value in assigned.items():
            command += ["--set", f"{key}={value}"]
        if stage:
            command += ["--stage", str(stage)] + (["--from", self.base] if stage > 1 else [])
        return command

    def train(self, out, stage, settings):
        run_process(self.command(out, stage, settings))

    def ours(self, stage, gan):
        """The panel's images/s and share of waiting over the last `steps` steps; CPU seconds of a step over the same ones."""
        out = os.path.join(self.folder, "run")
        shutil.rmtree(out, ignore_errors=True)
        command = self.command(out, stage, {f"stage{stage}.steps": self.o.warm_up + self.o.steps} | self.gan(gan))
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        cpu = []
        for steps in (self.o.warm_up, self.o.warm_up + self.o.steps):
            while len(lines_of(out, f"stage{stage}")) < steps and child.poll() is None:
                time.sleep(0.02)
            cpu.append(cpu_seconds(child.pid) if child.returncode is None else None)
        if child.wait() != 0:
            sys.exit(f"{' '.join(command)}: ended with {child.returncode}")
        if None in cpu:
            sys.exit(f"{out}: the run ended before its last step was seen")
        panel = lines_of(out, f"stage{stage} health")[-1]
        batch = self.batch(stage)
        return {"images_per_second": panel["images_per_second"], "data_wait": panel["data_wait"], "wall": batch / panel["images_per_second"],
                "cpu": (cpu[1] - cpu[0]) / self.o.steps}

    def theirs(self, stage, gan, channels_last):
        asked = {"stage": stage, "gan": gan, "channels_last": channels_last, "warm_up": self.o.warm_up, "steps": self.o.steps}
        print(json.dumps(asked), file=self.torch.stdin, flush=True)
        answer = self.torch.stdout.readline()
        if not answer:
            sys.exit("yardstick train: PyTorch's process ended")
        result = json.loads(answer)
        self.compare(stage, gan, result)
        return {"images_per_second": self.batch(stage) / result["wall"], "wall": result["wall"], "cpu": result["cpu"], "torch": result["torch"],
                "networks": {file: count(shapes) for file, shapes in result["networks"].items()}, "trained": result["trained"]}

    def batch(self, stage):
        return self.resolved[f"stage{stage}"]["batch"]

    def compare(self, stage, gan, result):
        """Both programs train the same tensors, or this ends."""
        for file, theirs in result["networks"].items():
            path = os.path.join(self.base, file)
            said = json.loads(run_process([self.o.kintsugi, "info", "--json", path])["output"])
            ours = {t["name"]: t["shape"] for t in (said[0] if isinstance(said, list) else said)["tensors"]}
            if ours != theirs:
                name = sorted(n for n in ours.keys() | theirs.keys() if ours.get(n) != theirs.get(n))[0]
                sys.exit(f"{path}: {count(ours)} numbers, PyTorch's has {count(theirs)}; first difference {name}: {ours.get(name)}, {theirs.get(name)}")
        moments = header(os.path.join(self.base, "state", f"stage{stage}-1.safetensors"))
        for part, theirs in result["trained"].items():
            trained = count({n: e["shape"] for n, e in moments.items() if n.startswith(f"{part}.adam.") and n.endswith(".exp_avg")})
            if trained != theirs:
                sys.exit(f"stage {stage}: {part} trains {trained} numbers, in PyTorch {theirs}")


def refuse_other_work(recipe):
    wanted = {"perceptual": "none", "model.beta_on": "codebook"}
    for n in (1, 2, 3):
        wanted |= {f"stage{n}.accumulate": 1, f"stage{n}.recompute": False, f"stage{n}.clip": 0}
        wanted |= {f"stage{n}.freeze": ["quantize", "generator"]} if n > 1 else {}
        wanted |= {f"stage{n}.gan": "hinge", f"stage{n}.adaptive_weight": True} if n != 2 else {}
    for key, value in wanted.items():
        at = recipe
        for part in key.split("."):
            at = at[part]
        if at != value:
            sys.exit(f"yardstick train: the PyTorch steps have {key} = {value}, the recipe {at}")


def count(shapes):
    total = 0
    for shape in shapes.values():
        n = 1
        for d in shape:
            n *= d
        total += n
    return total


def header(path):
    with open(path, "rb") as f:
        return json.loads(f.read(int.from_bytes(f.read(8), "little")))


def lines_of(run, stage):
    """What metrics.jsonl has of a stage; the last line may be half written."""
    try:
        with open(os.path.join(run, "metrics.jsonl")) as f:
            lines = [json.loads(line) for line in f if line.endswith("\n")]
    except FileNotFoundError:
        return []
    return [line for line in lines if line["stage"] == stage]


def cpu_seconds(pid):
    """Of a child that lives or waits to be reaped: user and system, all threads."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def train(o):
    folder = tempfile.mkdtemp()
    try:
        bench = Bench(o, folder)
        try:
            return measured(o, bench)
        finally:
            bench.close()
    finally:
        shutil.rmtree(folder)


def measured(o, bench):
    load = [os.getloadavg()[0]]
    runs = {case: {"kintsugi": [], **{name: [] for name in LAYOUTS}} for case in CASES}
    for _ in range(o.runs):
        for case, (stage, gan) in CASES.items():
            runs[case]["kintsugi"].append(bench.ours(stage, gan))
            for name, channels_last in LAYOUTS.items():
                runs[case][name].append(bench.theirs(stage, gan, channels_last))
            print(f"stage {case}: done", file=sys.stderr)
    load.append(os.getloadavg()[0])

    report = {"cpu": cpu_name(), "cores": os.cpu_count(), "threads": o.threads, "steps": o.steps, "runs": o.runs, "busy": o.busy, "load_average": load,
              "stages": {}}
    for case, programs in runs.items():
        report["torch"] = programs["PyTorch"][0]["torch"]
        entry = {name: {k: statistics.median(r[k] for r in results) for k in results[0] if isinstance(results[0][k], float)}
                 for name, results in programs.items()}
        best = {k: min(entry[name][k] for name in LAYOUTS) for k in ("wall", "cpu")}
        report["stages"][case] = entry | {
            "batch": bench.batch(CASES[case][0]), "networks": programs["PyTorch"][0]["networks"], "trained": programs["PyTorch"][0]["trained"],
            "ratio": {k: best[k] / entry["kintsugi"][k] for k in best}}
    return report


def print_table(report):
    print(f"{report['cpu']}, {report['cores']} cores, {report['threads']} threads; PyTorch {report['torch']}; {report['runs']} runs of "
          f"{report['steps']} steps each, in turn; load average {report['load_average'][0]:.1f} before, {report['load_average'][1]:.1f} after")
    print(f"{'':20} {'kintsugi':^24} {'PyTorch':^18} {'channels last':^18} {'PyTorch / kintsugi':^18}")
    print(f"{'stage':20} {'images/s':>8} {'wait':>6} {'CPU s':>8} " + f"{'images/s':>9} {'CPU s':>8} " * 2 + f"{'wall':>8} {'CPU':>8}")
    for case, e in report["stages"].items():
        k = e["kintsugi"]
        print(f"{case:20} {k['images_per_second']:8.2f} {100 * k['data_wait']:5.1f}% {k['cpu']:8.3f} " +
              "".join(f"{e[name]['images_per_second']:9.2f} {e[name]['cpu']:8.3f} " for name in LAYOUTS) +
              f"{e['ratio']['wall']:8.2f} {e['ratio']['cpu']:8.2f}")
    print("wait: share of the steps' time spent waiting for the loader. CPU s: of one step, all threads; kintsugi's has the loading and degrading of "
          "pictures in it, PyTorch's is given its pictures")
    print("PyTorch / kintsugi: time of a step against the faster of PyTorch's two memory formats")
