#!/usr/bin/env python3
"""Writes the demo's images and labels: the first images of every class of Fashion-MNIST, in the order of the original files.

    eng/make_demo_data.py [folder with the original gzipped IDX files] [folder to write]

2,000 test images (200 a class) for evaluation, 500 training images (50 a class) for calibration. Needs Python's standard
library only; Debian's package dataset-fashion-mnist has the original files.
"""
import gzip
import struct
import sys
from pathlib import Path

CLASSES = 10


def read(path, header):
    data = gzip.decompress(path.read_bytes())
    return struct.unpack(f">{header}I", data[: 4 * header]), data[4 * header :]


def write(path, header, content):
    with open(path, "wb") as file, gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=9, mtime=0) as archive:
        archive.write(struct.pack(f">{len(header)}I", *header) + content)


def subset(source, original, target, name, per_class):
    (magic, count, height, width), images = read(source / f"{original}-images-idx3-ubyte.gz", 4)
    (label_magic, label_count), labels = read(source / f"{original}-labels-idx1-ubyte.gz", 2)
    assert (magic, label_magic, count) == (0x803, 0x801, label_count)
    left = [per_class] * CLASSES
    chosen = []
    for index, label in enumerate(labels):
        if left[label] > 0:
            left[label] -= 1
            chosen.append(index)
    assert not any(left)
    size = height * width
    write(target / f"{name}-images.idx3-ubyte.gz", (magic, len(chosen), height, width), b"".join(images[i * size : (i + 1) * size] for i in chosen))
    write(target / f"{name}-labels.idx1-ubyte.gz", (label_magic, len(chosen)), bytes(labels[i] for i in chosen))


def main():
    source = Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/datasets/fashion-mnist")
    target = Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).parent.parent / "src/Tersor.Cli/Demo")
    target.mkdir(parents=True, exist_ok=True)
    subset(source, "t10k", target, "demo-test", 200)
    subset(source, "train", target, "demo-calibration", 50)


main()
