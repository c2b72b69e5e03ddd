"""Writes GGUF, the file that llama.cpp loads: settings, then tensors. Standard library only.
Format: version 3 of the specification in ggml's `docs/gguf.md`."""

import random
import struct

F32, Q8_0 = 0, 8
U32, I32, FLOAT, BOOL, TEXT, ARRAY = 4, 5, 6, 7, 8, 9
ALIGNMENT = 32
# Q8_0 stores rows in blocks: one half-precision scale, then this many signed bytes.
BLOCK = 32


def text(value):
    raw = value if isinstance(value, bytes) else value.encode()
    return struct.pack("<Q", len(raw)) + raw


def setting(value):
    """A setting's type and value. Whole numbers are unsigned, and signed in a list."""
    if isinstance(value, bool):
        return BOOL, struct.pack("<?", value)
    if isinstance(value, int):
        return U32, struct.pack("<I", value)
    if isinstance(value, float):
        return FLOAT, struct.pack("<f", value)
    if isinstance(value, (str, bytes)):
        return TEXT, text(value)
    if isinstance(value[0], int):
        return ARRAY, struct.pack(f"<IQ{len(value)}i", I32, len(value), *value)
    items = [setting(item) for item in value]
    head = struct.pack("<IQ", items[0][0], len(items))
    return ARRAY, head + b"".join(raw for _, raw in items)


def floats(values):
    """A tensor's bytes from its numbers."""
    return F32, struct.pack(f"<{len(values)}f", *values)


def noise(seed, count, spread):
    """A tensor's bytes: `count` numbers spread evenly with this standard deviation."""
    # The standard deviation of a signed byte at random is 73.9.
    scale = struct.pack("<e", spread / 73.9)
    raw = random.Random(seed).randbytes(count)
    return Q8_0, b"".join(scale + raw[at:at + BLOCK] for at in range(0, count, BLOCK))


def padded(raw):
    return raw + bytes(-len(raw) % ALIGNMENT)


def write(path, settings, tensors):
    """`tensors`: (name, shape with the rows first, (kind, bytes))."""
    head = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(settings))]
    for name, value in settings.items():
        kind, raw = setting(value)
        head += [text(name), struct.pack("<I", kind), raw]
    offset = 0
    for name, shape, (kind, raw) in tensors:
        sizes = struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape))
        head += [text(name), sizes, struct.pack("<IQ", kind, offset)]
        offset += len(padded(raw))
    with open(path, "wb") as f:
        f.write(padded(b"".join(head)))
        for _, _, (_, raw) in tensors:
            f.write(padded(raw))
