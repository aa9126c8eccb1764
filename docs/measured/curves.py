#!/usr/bin/env python3
"""Draws a run's metrics.jsonl as one SVG: a small chart per loss and stage.  usage: curves.py metrics.jsonl out.svg"""
import json
import sys

WIDTH, HEIGHT, MARGIN = 300, 150, 34
WANTED = ("l_g_pix", "l_codebook", "l_feat_encoder", "cross_entropy_loss", "d_weight_clamped", "grad_norm")


def smooth(values, span):
    """Running mean over `span` neighbours, so that the trend shows through the noise of single batches."""
    out, window, total = [], [], 0.0
    for v in values:
        window.append(v)
        total += v
        if len(window) > span:
            total -= window.pop(0)
        out.append(total / len(window))
    return out


def chart(x0, y0, title, steps, values):
    low, high = min(values), max(values)
    high = high if high > low else low + 1
    inner_w, inner_h = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN
    first, last = steps[0], max(steps[-1], steps[0] + 1)

    def at(step, value):
        x = x0 + MARGIN + inner_w * (step - first) / (last - first)
        y = y0 + HEIGHT - MARGIN - inner_h * (value - low) / (high - low)
        return f"{x:.1f},{y:.1f}"

    line = " ".join(at(s, v) for s, v in zip(steps, values))
    box = f'<rect x="{x0 + MARGIN}" y="{y0 + MARGIN}" width="{inner_w}" height="{inner_h}" fill="none" stroke="#ccc"/>'
    words = [
        (x0 + MARGIN, y0 + MARGIN - 8, title),
        (x0 + 2, y0 + MARGIN + 8, f"{high:.3g}"),
        (x0 + 2, y0 + HEIGHT - MARGIN, f"{low:.3g}"),
        (x0 + WIDTH - MARGIN - 30, y0 + HEIGHT - MARGIN + 14, f"step {steps[-1]}"),
    ]
    labels = "".join(f'<text x="{x}" y="{y}">{text}</text>' for x, y, text in words)
    return f'{box}<polyline points="{line}" fill="none" stroke="#2060a0" stroke-width="1.2"/>{labels}'


def main(source, target):
    stages = {}
    for line in open(source):
        entry = json.loads(line)
        stages.setdefault(entry["stage"], []).append(entry)
    charts, row = [], 0
    columns = 0
    for stage, entries in stages.items():
        column = 0
        for name in WANTED:
            points = [(e["step"], e[name]) for e in entries if name in e]
            if len(points) < 2:
                continue
            steps, values = zip(*points)
            charts.append(chart(column * WIDTH, row * HEIGHT, f"{stage}: {name}", steps, smooth(values, max(1, len(values) // 50))))
            column += 1
        columns = max(columns, column)
        row += column > 0
    with open(target, "w") as out:
        out.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{columns * WIDTH}" height="{row * HEIGHT}" '
                  f'font-family="sans-serif" font-size="10"><rect width="100%" height="100%" fill="white"/>{"".join(charts)}</svg>\n')


if __name__ == "__main__":
    main(*sys.argv[1:3])
