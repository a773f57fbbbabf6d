"""Reader of the idx format in which MNIST and its successors are published.

    2 zero bytes | type code (0x08: unsigned byte) | number of axes | one big-endian uint32 an axis | the data, row-major

Source: the format's description on the MNIST page (LeCun, Cortes and Burges).
"""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

_UNSIGNED_BYTE = 0x08


def read_idx(path: Path | str) -> np.ndarray:
    """Return the uint8 array in a gzipped idx file, with the shape its header states.

    Raises:
        ValueError: not gzip, another magic number or type, or more or fewer bytes than the header promises.
    """
    path = Path(path)
    try:
        with gzip.open(path, "rb") as file:
            magic = file.read(4)
            if len(magic) < 4 or magic[:2] != b"\x00\x00" or magic[2] != _UNSIGNED_BYTE or magic[3] == 0:
                raise ValueError(f"{path}: starts with bytes {magic.hex(' ')}, must be 00 00 08 and the number of axes")
            header = file.read(4 * magic[3])
            if len(header) < 4 * magic[3]:
                raise ValueError(f"{path}: truncated inside its header of {magic[3]} axes")
            shape = struct.unpack(f">{magic[3]}I", header)
            expected = math.prod(shape)
            data = file.read(expected)
            if len(data) < expected:
                raise ValueError(f"{path}: truncated, has {len(data):,} of the {expected:,} bytes of shape {shape}")
            if file.read(1):
                raise ValueError(f"{path}: has data after the {expected:,} bytes of shape {shape}")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: not a complete gzip file ({error})") from error
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)
