"""Reads a run folder's event files with TensorBoard's own reader and compares them with metrics.jsonl.  usage: events.py RUN_FOLDER

Every number of every line must be there once, as f32, and nothing else; pictures must decode. Ends with 0 when all is there, 4 when not,
and 77 where TensorBoard is not installed."""
import json
import os
import struct
import sys

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError as missing:
    print(f"not run: {missing}")
    sys.exit(77)

ALL = {"scalars": 0, "images": 0, "histograms": 0, "compressedHistograms": 0, "tensors": 0}


def as_f32(value):
    return float("nan") if value is None else struct.unpack("f", struct.pack("f", value))[0]


def expected_scalars(run):
    """(folder, tag) to a list of (step, value), from metrics.jsonl."""
    found = {}
    for line in open(os.path.join(run, "metrics.jsonl")):
        entry = json.loads(line)
        stage, _, kind = entry.pop("stage").partition(" ")
        step = entry.pop("step")
        for name, value in entry.items():
            found.setdefault((stage, f"{kind}/{name}" if kind else name), []).append((step, as_f32(value)))
    return found


def same(a, b):
    return len(a) == len(b) and all(s == t and (x == y or x != x or y != y) for (s, x), (t, y) in zip(a, b))


def main(run):
    expected, failed, scalars, pictures, histograms = expected_scalars(run), 0, 0, 0, 0
    for stage in sorted({stage for stage, _ in expected}):
        reader = EventAccumulator(os.path.join(run, "events", stage), size_guidance=ALL)
        reader.Reload()
        tags = reader.Tags()
        wanted = {tag for s, tag in expected if s == stage}
        for tag in sorted(wanted ^ set(tags["scalars"])):
            failed += 1
            print(f"FAIL {stage} {tag}: only in {'metrics.jsonl' if tag in wanted else 'the event files'}")
        for tag in sorted(wanted & set(tags["scalars"])):
            got = [(e.step, e.value) for e in reader.Scalars(tag)]
            scalars += len(got)
            if not same(got, expected[stage, tag]):
                failed += 1
                print(f"FAIL {stage} {tag}: {got[:3]}... against {expected[stage, tag][:3]}...")
        for tag in tags["images"]:
            for image in reader.Images(tag):
                pictures += 1
                head = image.encoded_image_string[:24]
                if head[:8] != b"\x89PNG\r\n\x1a\n" or struct.unpack(">II", head[16:24]) != (image.width, image.height):
                    failed += 1
                    print(f"FAIL {stage} {tag}: no PNG of {image.width} x {image.height}")
        histograms += sum(len(reader.Histograms(tag)) for tag in tags["histograms"])
    print(f"{scalars} scalars, {pictures} pictures, {histograms} histograms read by TensorBoard; {failed} failed")
    return 4 if failed or not scalars or not pictures or not histograms else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]) if len(sys.argv) == 2 else __doc__)
