"""An SPZ file of one splat that goes on for 200 MB of zeros once unpacked."""

import gzip
import struct


def make(folder):
    head = struct.pack("<IIIBBBB", 0x5053474E, 3, 1, 0, 12, 0, 0)
    (folder / "scan.spz").write_bytes(gzip.compress(head + bytes(200_000_000), 9, mtime=0))
