"""How large the pictures in an AVIF file are, and how the picture is turned.

Sources: ISO 14496-12, ISO 23008-12, the AVIF and AV1 specifications.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from recognition.engine.headerbytes import MAX_PARTS, big, damaged, part_of

# Items, sizes, extents and AV1 units of one file, which take longer to read.
_MAX_PARTS_OF_AVIF = 5_000
# Pixels of all items by those of the picture: colours and alpha are two, the cells of a grid overlap its edges. Also
# the frames of one item, which has at most four layers.
_MAX_AVIF_LAYERS = 4
# Which items have which properties is written in two versions and two sizes, a list of each at most.
_MAX_AVIF_LISTS = 4
# 1 where the data of an item is in `idat`, 0 where it is in the file; start and length of its extents.
_Part = tuple[int, tuple[tuple[int, int], ...]]


def avif_size(data: bytes) -> tuple[int, int]:
    """The largest of the sizes that the file gives to the picture and its parts.

    Pictures are decoded at the size in their AV1 data and only then scaled to what `ispe` says: both count.
    """
    ftyp, meta = _only_boxes(data, b"ftyp", b"meta")
    iinf, iloc, idat = _only_boxes(meta[4:], b"iinf", b"iloc", b"idat")
    types = _avif_item_types(iinf)
    # Of a sequence, other boxes than these would be decoded.
    if ftyp[:4] == b"avis" or b"av01" not in types.values():
        raise damaged()
    starts = [found.end() + 4 for found in islice(re.finditer(b"ispe", meta), _MAX_PARTS_OF_AVIF + 1)]
    parts = _avif_coded_parts(types, iloc)
    total = sum(length for _, (_, extents) in parts for _, length in extents)
    if len(starts) > _MAX_PARTS_OF_AVIF or total > len(data):
        raise damaged()
    sizes = [(big(meta, start, 4), big(meta, start + 4, 4)) for start in starts]
    limit = _MAX_PARTS_OF_AVIF
    pixels = 0
    for (kind, (method, extents)), count in parts.items():
        source = idat if method else data
        contents = b"".join(part_of(source, start, length) for start, length in extents)
        if kind == b"grid":
            sizes.append(_avif_grid_size(contents))
            continue
        units = list(islice(_av1_units(contents), limit + 1))
        limit -= len(units)
        headers = [_av1_size(payload) for unit, payload in units if unit == 1]
        frames = sum(unit in {3, 6} for unit, _ in units)
        if limit < 0 or not headers or frames > _MAX_AVIF_LAYERS:
            raise damaged()
        sizes += headers
        pixels += count * max(width * height for width, height in headers)
    width, height = max(width for width, _ in sizes), max(height for _, height in sizes)
    if pixels > _MAX_AVIF_LAYERS * width * height:
        raise damaged()
    return width, height


def avif_turns(data: bytes) -> tuple[int, int | None]:
    """How the decoded picture becomes upright: quarter turns against the clock, and the axis of pixels (0: top and
    bottom, 1: left and right, None: neither) along which it is mirrored afterwards.
    """
    (meta,) = _only_boxes(data, b"meta")
    pitm, iprp = _only_boxes(meta[4:], b"pitm", b"iprp")
    (ipco,) = _only_boxes(iprp, b"ipco")
    lists = [contents for kind, contents in _avif_boxes(iprp) if kind == b"ipma"]
    if len(lists) > _MAX_AVIF_LISTS:
        raise damaged()
    primary = big(pitm, 4, 4 if big(pitm, 0, 1) else 2)
    properties = list(_avif_boxes(ipco))
    turns: dict[bytes, int] = {}
    for number in [number for ipma in lists for number in _avif_properties_of(primary, ipma)]:
        if number > len(properties):
            raise damaged()
        kind, contents = properties[number - 1]
        if kind in {b"irot", b"imir"}:
            turns.setdefault(kind, big(contents, 0, 1))
    return turns.get(b"irot", 0) & 3, turns[b"imir"] & 1 if b"imir" in turns else None


def _avif_properties_of(wanted: int, ipma: bytes) -> list[int]:
    """Numbers of the properties of one item, from 1."""
    bits = _Bits(ipma)
    version, flags = bits.read(8), bits.read(24)
    id_size, size = 32 if version else 16, 16 if flags & 1 else 8
    entries = bits.read(32)
    if entries > _MAX_PARTS_OF_AVIF:
        raise damaged()
    for _ in range(entries):
        item, count = bits.read(id_size), bits.read(8)
        if item == wanted:
            # The first bit says whether the property may be ignored; 0 is no property.
            return [number for _ in range(count) if (number := bits.read(size) & ((1 << size - 1) - 1))]
        bits.read(size * count)
    return []


def _avif_coded_parts(types: dict[int, bytes], iloc: bytes) -> Counter[tuple[bytes, _Part]]:
    """Kind and place of what is decoded, and how many items share it, as the cells of a grid may."""
    parts: Counter[tuple[bytes, _Part]] = Counter()
    missing = {item for item, kind in types.items() if kind == b"av01"}
    for item, part in _avif_item_parts(iloc):
        missing.discard(item)
        if types.get(item) in {b"av01", b"grid"}:
            parts[types[item], part] += 1
    if missing:
        raise damaged()
    return parts


def _avif_grid_size(grid: bytes) -> tuple[int, int]:
    length = 4 if big(grid, 1, 1) & 1 else 2
    return big(grid, 4, length), big(grid, 4 + length, length)


def _only_boxes(data: bytes, *kinds: bytes) -> list[bytes]:
    """Contents of the one box of each kind, empty where there is none."""
    found: dict[bytes, bytes] = {}
    for kind, contents in _avif_boxes(data):
        if kind in kinds and found.setdefault(kind, contents) is not contents:
            raise damaged()
    return [found.get(kind, b"") for kind in kinds]


def _avif_boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and contents of each box of the file, or of the contents of a box."""
    position = 0
    for _ in range(MAX_PARTS):
        if position == len(data):
            return
        header, length, kind = 8, big(data, position, 4), data[position + 4 : position + 8]
        if length == 0:  # up to the end of the file
            length = len(data) - position
        elif length == 1:
            header, length = 16, big(data, position + 8, 8)
        if length < header or position + length > len(data):
            break
        yield kind, data[position + header : position + length]
        position += length
    raise damaged()


def _avif_item_types(iinf: bytes) -> dict[int, bytes]:
    types: dict[int, bytes] = {}
    for kind, contents in _avif_boxes(iinf[8 if big(iinf, 0, 1) else 6 :]):
        if kind != b"infe":
            continue
        version = big(contents, 0, 1)
        if version not in {2, 3}:
            raise damaged()
        length = 2 if version == 2 else 4
        item = big(contents, 4, length)
        if item in types:
            raise damaged()
        types[item] = part_of(contents, 6 + length, 4)
    return types


def _avif_item_parts(iloc: bytes) -> Iterator[tuple[int, _Part]]:
    """Number and place of each item."""
    bits = _Bits(iloc)
    version, _ = bits.read(8), bits.read(24)
    offset_size, length_size, base_size, index_size = (8 * bits.read(4) for _ in range(4))
    id_size = 16 if version < 2 else 32
    limit = _MAX_PARTS_OF_AVIF
    for _ in range(bits.read(id_size)):
        item = bits.read(id_size)
        method = bits.read(16) & 15 if version else 0
        _, base, count = bits.read(16), bits.read(base_size), bits.read(16)
        limit -= 1 + count
        if limit < 0 or method > 1 or version > 2:
            raise damaged()
        extents = []
        for _ in range(count):
            if version:
                bits.read(index_size)
            extents.append((base + bits.read(offset_size), bits.read(length_size)))
        yield item, (method, tuple(extents))


def _av1_units(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and contents of each open bitstream unit (OBU)."""
    position = 0
    while position < len(data):
        header = data[position]
        position += 2 if header & 4 else 1
        if header == 0:  # padding, which some decoders skip
            length = 0
        elif header & 2:
            length = 0
            for shift in range(0, 56, 7):
                byte = big(data, position, 1)
                position += 1
                length |= (byte & 127) << shift
                if byte < 128:
                    break
            else:
                raise damaged()
        else:
            length = max(0, len(data) - position)
        yield header >> 3 & 15, part_of(data, position, length)
        position += length


def _av1_size(sequence: bytes) -> tuple[int, int]:
    """The largest size that a frame can have under this sequence header."""
    bits = _Bits(sequence)
    bits.read(4)
    reduced = bits.read(1)
    if reduced:
        bits.read(5)
    else:
        _skip_av1_operating_points(bits)
    width_bits, height_bits = bits.read(4) + 1, bits.read(4) + 1
    width, height = bits.read(width_bits) + 1, bits.read(height_bits) + 1
    # Frames may then have sizes of their own, which not every decoder compares with the maximum.
    return (width, height) if reduced else (1 << width_bits, 1 << height_bits)


def _skip_av1_operating_points(bits: "_Bits") -> None:
    model = delay_bits = 0
    if bits.read(1):  # timing
        bits.read(64)
        if bits.read(1):
            zeros = 0
            while not bits.read(1):
                zeros += 1
                if zeros > 31:  # decoders differ in what follows
                    raise damaged()
            bits.read(zeros)
        model = bits.read(1)
        if model:
            delay_bits = bits.read(5) + 1
            bits.read(42)
    display_delay = bits.read(1)
    for _ in range(bits.read(5) + 1):
        bits.read(12)
        if bits.read(5) > 7:
            bits.read(1)
        if model and bits.read(1):
            bits.read(2 * delay_bits + 1)
        if display_delay and bits.read(1):
            bits.read(4)


class _Bits:
    """Reads numbers of any count of bits, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def read(self, count: int) -> int:
        first, self._position = self._position // 8, self._position + count
        end = -(-self._position // 8)
        return big(self._data, first, end - first) >> (8 * end - self._position) & ((1 << count) - 1)
