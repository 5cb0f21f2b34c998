"""Content codings: how hard bytes are packed for a browser; pure."""

import zlib
from collections.abc import Sequence

import brotli

CODINGS = ("br", "gzip")  # what is wanted equally is sent in the first
PIECE_CODINGS = ("gzip", "br")  # and if it is no longer than PIECE_BYTES, in the first of these
PLACED = "br"  # the coding of `pack_placed`

# Bytes and milliseconds on one core of the machine that wrote this, for the list of 24 goods (28.9 kB), a
# product's page (23.1 kB) and the answer to a changed quantity (2.7 kB):
#
#               list          product       cart change
#   gzip 6      7,414 / 0.3   6,869 / 0.3   1,040 / 0.04
#   gzip 9      7,394 / 0.4   6,864 / 0.4   1,037 / 0.04
#   brotli 4    7,590 / 0.3   7,020 / 0.3     960 / 0.04
#   brotli 5    6,924 / 0.5   6,433 / 0.4     907 / 0.04
#   brotli 7    6,683 / 0.5   6,385 / 0.5     900 / 0.04
#   brotli 9    6,680 / 20    6,370 / 15      899 / 2      with a window of 64 kB: as fast as 7
#   brotli 11   6,197 / 70    5,792 / 60      806 / 4
#
# The last half kilobyte of brotli 11 is 2 ms on slow 4G, and a hundred visitors a second on one core.
# With a window of 64 kB level 7 is three bytes longer than 9, and works in a third of the memory.
BROTLI_LEVEL, BROTLI_WINDOW = 7, 16  # a window of 2^16 bytes: more than any page; more is packed all the same
CONTEXT_BYTES = 2
# However little there is to pack, brotli wipes a quarter of a megabyte before it begins, which throws what
# the program works with out of the cache: an answer to a changed quantity took 0.12 ms longer than
# unpacked, a sixth of all its work. With tables that fit the piece gzip takes 0.04, and is 110 bytes longer.
PIECE_BYTES = 4096
PIECE_WINDOW, PIECE_MEMORY = 12, 5  # a window of 2^12 bytes; of nine sizes of tables, 12 kB
GZIP_LEVEL, GZIP_WINDOW, GZIP_MEMORY = 6, 15, 8
GZIP_FRAME = 16  # added to the window: what zlib calls a gzip header and trailer


def codings(size: int) -> tuple[str, ...]:
    """Return the codings for an answer of so many bytes, what is wanted equally in their order."""
    return PIECE_CODINGS if size <= PIECE_BYTES else CODINGS


def pack(body: bytes, coding: str) -> bytes:
    """Return an answer in a coding of CODINGS, made while somebody waits."""
    if coding == "br":
        return bytes(brotli.compress(body, quality=BROTLI_LEVEL, lgwin=BROTLI_WINDOW))
    if len(body) <= PIECE_BYTES:
        return _gzip(body, GZIP_LEVEL, PIECE_WINDOW, PIECE_MEMORY)
    return _gzip(body, GZIP_LEVEL)


def pack_placed(body: bytes, places: Sequence[bytes]) -> bytes | None:
    """Return an answer in PLACED in which each of ``places`` stands as it is, to be filled in later.

    The packer leaves alone what would only be longer packed, in a block of its own. How it packs what follows
    depends on the two bytes before, so these leave with the place; what repeats a place refers to the first.
    None when a place was packed all the same.
    """
    packer = brotli.Compressor(quality=BROTLI_LEVEL, lgwin=BROTLI_WINDOW)
    packed, end = b"", 0
    for start, place in sorted((body.index(place), place) for place in places):
        packed += packer.process(body[end:start]) + packer.flush()
        end = start + len(place) + CONTEXT_BYTES
        packed += packer.process(body[start:end]) + packer.flush()
    packed += packer.process(body[end:]) + packer.finish()
    return packed if all(packed.count(place) == 1 for place in places) else None


def unpack(packed: bytes) -> bytes:
    """Return what `pack_placed` packed, with whatever stands in its places by now."""
    return bytes(brotli.decompress(packed))


def pack_hard(body: bytes, coding: str) -> bytes:
    """Return a file in a coding of CODINGS, as small as it gets: made once, sent for a year."""
    return bytes(brotli.compress(body, quality=11)) if coding == "br" else _gzip(body, 9)


def packed_name(name: str, coding: str) -> str:
    """Return how the packed twin of a file is called."""
    return f"{name}.{'gz' if coding == 'gzip' else coding}"


def _gzip(body: bytes, level: int, window: int = GZIP_WINDOW, memory: int = GZIP_MEMORY) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, GZIP_FRAME + window, memory)
    return packer.compress(body) + packer.flush()
