#!/usr/bin/env python3
"""Makes the fixtures of Tersor.Data.Tests. Needs Debian's python3-pil (9.4), python3-opencv (4.6) and python3-numpy.

The images are smooth shapes with sharp edges and noise, so that filters, rounding and saturation all show.
Run in this folder; the result is deterministic.
"""
import io
import struct
import wave
import zipfile
import zlib

import cv2
import numpy as np
from PIL import Image

random = np.random.default_rng(20260101)


def save(path, arrays):
    """Like np.savez_compressed, with fixed times in the archive: the same content gives the same bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.asanyarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), buffer.getvalue(), zipfile.ZIP_DEFLATED)


def picture(width, height, channels):
    y, x = np.mgrid[0:height, 0:width]
    planes = [127 + 120 * np.sin(x / (3 + c) + y / (5 - c)) + 60 * ((x + 2 * y) % (7 + c) < 2) for c in range(channels)]
    noisy = np.stack(planes, axis=2) + random.normal(0, 12, (height, width, channels))
    noisy[2:5, 2:9] = 255
    noisy[5:8, 2:9] = 0
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)


SIZES = [(19, 11), (61, 40), (37, 9), (13, 23), (74, 46), (5, 3)]
PIL_FILTERS = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "area": Image.BOX, "lanczos": Image.LANCZOS}
CV_FILTERS = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC, "area": cv2.INTER_AREA}

rgb = picture(37, 23, 3)
even = picture(24, 16, 3)  # halves exactly: the cases where OpenCV takes short cuts
arrays = {"source": rgb, "even": even}
for width, height in SIZES:
    for name, code in PIL_FILTERS.items():
        arrays[f"pillow_{name}_{width}x{height}"] = np.asarray(Image.fromarray(rgb).resize((width, height), code))
    for name, code in CV_FILTERS.items():
        arrays[f"opencv_{name}_{width}x{height}"] = cv2.resize(rgb, (width, height), interpolation=code)
for width, height in [(12, 8), (8, 4), (48, 32)]:
    for name, code in PIL_FILTERS.items():
        arrays[f"evenpillow_{name}_{width}x{height}"] = np.asarray(Image.fromarray(even).resize((width, height), code))
    for name, code in CV_FILTERS.items():
        arrays[f"evenopencv_{name}_{width}x{height}"] = cv2.resize(even, (width, height), interpolation=code)
save("resize.npz", arrays)

# Decoding: what Pillow makes of the same files.
grey = picture(31, 17, 1)[:, :, 0]
alpha = np.dstack([rgb, (np.arange(37 * 23).reshape(23, 37) * 255 // (37 * 23)).astype(np.uint8)])
Image.fromarray(rgb).save("rgb.png")
Image.fromarray(grey).save("grey.png")
Image.fromarray(alpha).save("alpha.png")
Image.fromarray(rgb).quantize(64).save("palette.png")
Image.fromarray(rgb).save("rgb.jpg", quality=90)
Image.fromarray(grey).save("grey.jpg", quality=90)
# A gamma chunk that a colour-managed decoder would apply: gAMA 1.0 (linear light) after IHDR.
data = open("rgb.png", "rb").read()
chunk = b"gAMA" + struct.pack(">I", 100000)
open("gamma.png", "wb").write(data[:33] + struct.pack(">I", 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:])
names = ["rgb.png", "grey.png", "alpha.png", "gamma.png", "palette.png", "rgb.jpg", "grey.jpg"]
decoded = {n.replace(".", "_"): np.asarray(Image.open(n).convert("L" if n.startswith("grey") else "RGB")) for n in names}
decoded["rgb_to_grey"] = np.asarray(Image.fromarray(rgb).convert("L"))
save("decoded.npz", decoded)

# Arrays of every type, in both byte orders and both memory orders; values are 0..23 reshaped, or their parity.
base = np.arange(24).reshape(2, 3, 4)
types = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1", "c8", "c16"]
dtypes = {t: (base % 2 if t == "b1" else base).astype(t) for t in types}
dtypes |= {f"big_{t}": base.astype(f">{t}") for t in ["f4", "i2", "u8", "c8"]}
dtypes["fortran"] = np.asfortranarray(base.astype("f4"))
save("types.npz", dtypes)
np.save("floats.npy", base.astype("f4"))
with open("version2.npy", "wb") as file:
    np.lib.format.write_array(file, base.astype("i4"), version=(2, 0))
np.save("records.npy", np.zeros(3, dtype=[("a", "i4"), ("b", "f4")]))
np.save("text.npy", np.array(["a", "bc"]))

# Sound: two channels, 50 samples, extreme values included.
sound = np.stack([np.linspace(-1, 1, 50), np.sin(np.arange(50) / 3)], axis=1)
expected = {}
for bits in [8, 16, 24, 32]:
    top = 2 ** (bits - 1)
    values = np.clip(np.round(sound * top), -top, top - 1).astype(np.int64)
    expected[f"pcm{bits}"] = (values / top).astype(np.float32)
    stored = values + 128 if bits == 8 else values
    raw = b"".join(int(v).to_bytes(bits // 8, "little", signed=bits != 8) for v in stored.flatten())
    with wave.open(f"pcm{bits}.wav", "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(bits // 8)
        file.setframerate(8000)
        file.writeframes(raw)
floats = sound.astype("<f4")
expected["float32"] = floats
body = struct.pack("<HHIIHH", 3, 2, 8000, 8000 * 8, 8, 32)
extra = b"LIST" + struct.pack("<I", 3) + b"abc\0"  # an odd chunk before the data, padded to an even length
content = b"WAVE" + b"fmt " + struct.pack("<I", len(body)) + body + extra + b"data" + struct.pack("<I", floats.nbytes) + floats.tobytes()
open("float32.wav", "wb").write(b"RIFF" + struct.pack("<I", len(content)) + content)
save("sound.npz", expected)
