"""Hashes of many texts at once: 64 bits to tell them apart within a run, and SHA-256 where they are kept."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.native import compiled, private_folder

Hashes = NDArray[np.uint64]

MIX = np.uint64(0x9E3779B97F4A7C15)
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(9)], dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class TextHasher:
    """Hashes texts, by compiled code where there is some.

    Parameters
    ----------
    cache
        Private folder of compiled code; None: there is none.
    flags
        Of the compiler, beside the usual.
    """

    cache: Path | None = None
    flags: tuple[str, ...] = ()

    def hashes(self, texts: pa.Array) -> Hashes:
        """Return 64 bits for each text, eight bytes of it at a time; 0 for null.

        >>> hashes = TextHasher().hashes(pa.array(["C1", None, "C1", "C2", "a claim number of some length"]))
        >>> hashes[0] == hashes[2] != hashes[3], int(hashes[1])
        (np.True_, 0)
        """
        code, (data, starts) = self._code(), _laid_out(texts)
        if code is None:
            found = _hashes(data, starts)
        else:
            found = np.empty(len(texts), dtype=np.uint64)
            code.hash_texts(_at(data), _at(starts), len(texts), _at(found))
        if texts.null_count:
            found[np.asarray(texts.is_null())] = 0
        return found

    def digests(self, texts: pa.Array, digits: int) -> pa.Array:
        """Return the first digits of the SHA-256 of each text, in hexadecimal; no text is null.

        >>> TextHasher().digests(pa.array(["abc"]), 8).to_pylist()
        ['ba7816bf']
        """
        code, (data, starts) = self._code(), _laid_out(texts)
        if code is None:
            told = np.array([sha256(text).hexdigest()[:digits] for text in texts.cast(pa.binary()).to_pylist()], dtype=f"S{digits}")
        else:
            told = np.empty(len(texts), dtype=f"S{digits}")
            code.digest_texts(_at(data), _at(starts), len(texts), digits, _at(told))
        ends = np.arange(0, len(texts) * digits + 1, digits, dtype=np.int32)
        return pa.StringArray.from_buffers(len(texts), pa.py_buffer(ends), pa.py_buffer(told))

    def _code(self) -> ctypes.CDLL | None:
        return compiled(SOURCE, private_folder(self.cache), self.flags) if self.cache is not None else None


BY_NUMPY = TextHasher()

SOURCE = Path(__file__).with_name("texts.c")


def _laid_out(texts: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Return the bytes that texts lie in, and where each one starts and the last one ends."""
    _, starts, data = texts.buffers()
    used = (
        np.frombuffer(starts, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1] if len(texts) else np.zeros(1, dtype=np.int32)
    )
    return np.frombuffer(data or b"", dtype=np.uint8), used


def _at(array: NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def _hashes(data: NDArray[np.uint8], ends: NDArray[np.int32]) -> Hashes:
    starts, length = ends[:-1].astype(np.int64), np.diff(ends).astype(np.int64)
    # Eight bytes more, so that the last text can be read eight at a time.
    padded = np.concatenate([data[: ends[-1]], np.zeros(8, dtype=np.uint8)])
    eights = np.ndarray(len(padded) - 7, dtype="<u8", buffer=padded, strides=(1,))
    found = (length.astype(np.uint64) + np.uint64(1)) * MIX
    for at in range(0, int(length.max(initial=0)), 8):
        left = length - at
        word = eights[np.minimum(starts + at, len(eights) - 1)] & _MASKS[np.clip(left, 0, 8)]
        mixed = (found ^ word) * MIX
        mixed ^= mixed >> np.uint64(32)
        found = np.where(left > 0, mixed, found)
    found[found == 0] = 1
    return found
