"""Bytes become upright RGB pixels, or a refusal that says why."""

import io
import resource
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pictures

from recognition.engine.avifheader import avif_turns
from recognition.engine.errors import ImageError
from recognition.engine.faces import Image
from recognition.engine.images import decode, encode_jpeg, inspect

FORMATS = {"JPEG": ".jpg", "PNG": ".png", "WebP": ".webp", "AVIF": ".avif"}


def encoded(image: np.ndarray, suffix: str, *options: int) -> bytes:
    return cv2.imencode(suffix, image, options)[1].tobytes()


def refusal(data: bytes, **limits: int) -> str:
    with pytest.raises(ImageError) as caught:
        decode(data, **limits)
    assert caught.value.message.endswith(".")
    return caught.value.code


@pytest.mark.parametrize(("name", "suffix"), FORMATS.items())
def test_supported_formats_are_read_as_rgb(astronaut: Image, name: str, suffix: str) -> None:
    data = encoded(cv2.cvtColor(astronaut[:200, :300], cv2.COLOR_RGB2BGR), suffix)
    info = inspect(data)
    assert (info.format, info.width, info.height) == (name, 300, 200)
    assert np.abs(decode(data).astype(int) - astronaut[:200, :300]).mean() < 6


def test_webp_without_loss_and_with_transparency_tell_their_size(astronaut: Image) -> None:
    lossless = encoded(astronaut[:201, :301], ".webp", cv2.IMWRITE_WEBP_QUALITY, 101)
    transparent = encoded(
        cv2.cvtColor(astronaut[:201, :301], cv2.COLOR_RGB2BGRA), ".webp", cv2.IMWRITE_WEBP_QUALITY, 50
    )
    for data in (lossless, transparent):
        assert (inspect(data).width, inspect(data).height) == (301, 201)
        assert decode(data).shape == (201, 301, 3)


@pytest.mark.parametrize("suffix", FORMATS.values())
def test_a_file_cut_anywhere_is_refused(astronaut: Image, suffix: str) -> None:
    data = encoded(astronaut[:100, :100], suffix)
    assert refusal(b"") == "empty"
    for length in {*range(1, 40), *range(40, len(data), max(1, len(data) // 60)), len(data) - 1}:
        assert refusal(data[:length]) in {"damaged", "not_an_image"}


def test_progressive_jpeg_cut_between_its_scans_is_refused(astronaut: Image) -> None:
    data = encoded(astronaut[:100, :100], ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    decode(data)
    assert refusal(data[: len(data) // 2]) == "damaged"


def test_what_follows_the_end_of_a_jpeg_is_ignored(astronaut: Image) -> None:
    data = encoded(astronaut, ".jpg")
    np.testing.assert_array_equal(decode(data + b"\0" * 1000), decode(data))


def test_pixels_are_counted_before_decoding(astronaut: Image) -> None:
    data = encoded(astronaut, ".png")
    decode(data, max_pixels=512 * 512)
    assert refusal(data, max_pixels=512 * 512 - 1) == "too_many_pixels"
    huge = data[:16] + (60_000).to_bytes(4, "big") * 2 + data[24:]
    started = time.process_time()
    assert refusal(huge) == "too_many_pixels"
    assert time.process_time() - started < 0.1


@pytest.mark.parametrize(("width", "height"), [(1, 1), (16, 300), (65, 64), (641, 479), (1025, 1023)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_avif_tells_its_size(width: int, height: int, channels: int) -> None:
    picture = np.full((height, width, channels), 90, np.uint8)
    picture[..., -1] = np.linspace(0, 255, width)  # alpha is a picture of its own
    data = encoded(picture, ".avif", cv2.IMWRITE_AVIF_SPEED, 10)
    assert (inspect(data).width, inspect(data).height) == (width, height)
    assert decode(data).shape == (height, width, 3)


def test_pixels_of_an_avif_are_those_of_its_av1_data() -> None:
    data = encoded(np.zeros((800, 1000, 4), np.uint8), ".avif", cv2.IMWRITE_AVIF_SPEED, 10)
    size = b"ispe" + bytes(4)
    said = (1000).to_bytes(4, "big") + (800).to_bytes(4, "big")
    assert size + said in data
    smaller = data.replace(size + said, size + (64).to_bytes(4, "big") * 2)
    assert (inspect(smaller).width, inspect(smaller).height) == (1000, 800)
    assert refusal(smaller, max_pixels=64 * 64) == "too_many_pixels"


def with_orientation(image: Image, kind: str, orientation: int) -> bytes:
    exif, file = Pictures.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Pictures.fromarray(image).save(file, kind, exif=exif.tobytes(), quality=95)
    return file.getvalue()


def with_orientation_twice(image: Image, kind: str, orientation: int) -> bytes:
    """In EXIF data as well as in the AVIF itself, as some writers have it."""
    exif = Pictures.Exif()
    exif[0x0112] = orientation
    tiff = np.frombuffer(exif.tobytes().removeprefix(b"Exif\0\0"), np.uint8)
    _, data = cv2.imencodeWithMetadata(
        f".{kind.lower()}", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMAGE_METADATA_EXIF], [tiff]
    )
    assert tiff.tobytes() in data.tobytes()
    return data.tobytes()


@pytest.mark.parametrize("write", [with_orientation, with_orientation_twice])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_avif_is_as_upright_as_a_jpeg(
    astronaut: Image, orientation: int, write: Callable[[Image, str, int], bytes]
) -> None:
    data = write(astronaut[:200, :300], "AVIF", orientation)
    turned = decode(data)
    upright = decode(with_orientation(astronaut[:200, :300], "JPEG", orientation))
    assert turned.shape == upright.shape
    assert turned.flags["C_CONTIGUOUS"]
    assert np.abs(turned.astype(int) - upright).mean() < 6
    assert (inspect(data).width, inspect(data).height) == (300, 200)


def test_an_avif_is_turned_as_its_picture_says_not_another_item(astronaut: Image) -> None:
    data = with_orientation(astronaut[:200, :300], "AVIF", 6)
    owner = data.index(b"ipma") + 12
    assert data[owner : owner + 2] == data[data.index(b"pitm") + 8 :][:2] == b"\0\1"
    moved = data[: owner - 4] + b"\0\0\0\1\0\2" + data[owner + 2 :]
    assert avif_turns(data) == (3, None)
    assert avif_turns(moved) == (0, None)
    owned = data.index(b"\x05\1\2\x83\4\x85")
    without = data[: owned + 1] + bytes(5) + data[owned + 6 :]
    assert avif_turns(without.replace(b"ipco", b"free")) == (0, None)


@pytest.mark.parametrize(
    ("entries", "number"), [(b"\0\0\0\1", b"\x7f"), (b"\xff\xff\xff\xff", b"\1")], ids=["not there", "too many"]
)
def test_an_avif_whose_properties_make_no_sense_is_refused(astronaut: Image, entries: bytes, number: bytes) -> None:
    data = with_orientation(astronaut[:64, :64], "AVIF", 6)
    place = data.index(b"ipma") + 8
    altered = data[:place] + entries + data[place + 4 : place + 7] + number + data[place + 8 :]
    assert refusal(altered) == "damaged"
    with pytest.raises(ImageError):
        avif_turns(altered)


@pytest.mark.parametrize("count", [4, 5])
def test_very_many_properties_of_an_avif_cost_little(count: int) -> None:
    owners = (b"\0\2\xff" + b"\1" * 255) * 4999 + b"\0\1\xff" + b"\1" * 255
    lists = box(b"ipma", bytes(4) + (5000).to_bytes(4, "big") + owners) * count
    properties = box(b"iprp", box(b"ipco", box(b"irot", b"\1") * 40_000) + lists)
    data = box(b"meta", bytes(4) + box(b"pitm", bytes(4) + b"\0\1") + properties)
    started = time.process_time()
    with nullcontext() if count == 4 else pytest.raises(ImageError):
        assert avif_turns(data) == (1, None)
    assert time.process_time() - started < 1


def box(kind: bytes, contents: bytes) -> bytes:
    return (8 + len(contents)).to_bytes(4, "big") + kind + contents


def grid_avif(cell: bytes, across: int, down: int, size: tuple[int, int], said: tuple[int, int]) -> bytes:
    """An AVIF whose cells are all the picture in another one. size: as its grid says; said: as `ispe` says."""

    def words(*numbers: int) -> bytes:
        return b"".join(number.to_bytes(2, "big") for number in numbers)

    def longs(*numbers: int) -> bytes:
        return b"".join(number.to_bytes(4, "big") for number in numbers)

    start = cell.index(b"ipco") + 4
    properties = cell[start : start - 8 + int.from_bytes(cell[start - 8 : start - 4], "big")]
    count, kinds, position = across * down, [], 0
    while position < len(properties):
        kinds.append(properties[position + 4 : position + 8])
        position += int.from_bytes(properties[position : position + 4], "big")
    cells = range(2, count + 2)
    picture = cell[cell.index(b"mdat") + 4 :]
    items = [
        box(b"infe", longs(2 << 24) + words(item, 0) + (b"av01" if item > 1 else b"grid") + b"\0")
        for item in range(1, count + 2)
    ]
    own = [len(kinds) + 1, *(1 + at for at, kind in enumerate(kinds) if kind not in {b"ispe", b"av1C"})]
    each = range(1, len(kinds) + 1)
    ipma = longs(0, count + 1) + words(1) + bytes([len(own), *own])
    ipma += b"".join(words(item) + bytes([len(each), *each]) for item in cells)

    def file(place: int) -> bytes:
        iloc = longs(1 << 24) + words(0x4400, count + 1) + words(1, 1, 0, 1) + longs(0, 8)
        iloc += b"".join(words(item, 0, 0, 1) + longs(place, len(picture)) for item in cells)
        return box(b"ftyp", b"avif" + longs(0) + b"avifmif1miaf") + box(
            b"meta",
            longs(0)
            + box(b"hdlr", longs(0, 0) + b"pict" + bytes(13))
            + box(b"pitm", longs(0) + words(1))
            + box(b"iloc", iloc)
            + box(b"iinf", longs(0) + words(count + 1) + b"".join(items))
            + box(b"iref", longs(0) + box(b"dimg", words(1, count, *cells)))
            + box(b"iprp", box(b"ipco", properties + box(b"ispe", longs(0, *said))) + box(b"ipma", ipma))
            + box(b"idat", bytes([0, 0, down - 1, across - 1]) + words(*size)),
        )

    return file(len(file(0)) + 8) + box(b"mdat", picture)


def test_avif_of_many_cells_tells_the_size_of_the_whole() -> None:
    cell = encoded(np.full((64, 80, 3), 90, np.uint8), ".avif")
    data = grid_avif(cell, 3, 2, (230, 128), (230, 128))
    assert (inspect(data).width, inspect(data).height) == (230, 128)
    assert decode(data).shape == (128, 230, 3)
    smaller = grid_avif(cell, 3, 2, (230, 128), (64, 64))
    assert (inspect(smaller).width, inspect(smaller).height) == (230, 128)


def test_avif_of_cells_that_are_larger_than_the_whole_is_refused() -> None:
    cell = encoded(np.zeros((1000, 1000, 3), np.uint8), ".avif", cv2.IMWRITE_AVIF_SPEED, 10)
    said = cell.index(b"ispe") + 8
    cell = cell[:said] + (64).to_bytes(4, "big") * 2 + cell[said + 8 :]
    assert refusal(grid_avif(cell, 8, 8, (512, 512), (512, 512))) == "damaged"


def test_avif_of_many_frames_is_refused() -> None:
    data = encoded(np.zeros((64, 64, 3), np.uint8), ".avif")
    place = data.index(b"iloc") + 4 + 14
    for count, refused in ((4, False), (5, True)):
        units = data[data.index(b"mdat") + 4 :] * count
        extent = (len(data) + 8).to_bytes(4, "big") + len(units).to_bytes(4, "big")
        with pytest.raises(ImageError) if refused else nullcontext():
            inspect(data[:place] + extent + data[place + 8 :] + box(b"free", units))


# Sequence headers of 4096 × 2160 in 12 bits each that let frames have sizes of their own: without and with timing, a
# decoder model and delays.
_SIZE = f"{11:04b}{11:04b}{4095:012b}{2159:012b}"
_OPEN_SEQUENCES = (
    "000" "0" "0" "0" "0" "00000" + "0" * 12 + "00111" + _SIZE,
    "000" "0" "0" "1" + "0" * 64 + "1" "00101" "1" "00111" + "0" * 42 + "1" "00001"
    + ("0" * 12 + "01000" "1" "1" + "0" * 17 + "1" "0110") + ("0" * 12 + "00111" "0" "0") + _SIZE,
)  # fmt: skip


@pytest.mark.parametrize("bits", _OPEN_SEQUENCES)
def test_avif_whose_frames_may_have_other_sizes_counts_the_largest(bits: str) -> None:
    data = encoded(np.zeros((64, 64, 3), np.uint8), ".avif")
    payload = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    unit = bytes([0x0A, len(payload)]) + payload
    start = data.index(b"mdat") + 4
    place = data.index(b"iloc") + 4 + 14  # of the only item: where its extent starts
    assert int.from_bytes(data[place : place + 4], "big") == start
    longer = data + len(unit + b"12345678").to_bytes(4, "big") + b"free" + unit
    moved = (len(data) + 8).to_bytes(4, "big") + len(unit).to_bytes(4, "big")
    info = inspect(longer[:place] + moved + longer[place + 8 :])
    assert (info.width, info.height) == (4096, 4096)


def test_avif_without_readable_av1_data_is_refused() -> None:
    data = encoded(np.zeros((64, 64, 3), np.uint8), ".avif")
    place = data.index(b"iloc") + 4 + 14
    for extent in [(len(data) - 3).to_bytes(4, "big") + bytes(3) + b"\x04", bytes(8), b"\xff" * 8]:
        assert refusal(data[:place] + extent + data[place + 8 :]) == "damaged"
    sequence = data.index(b"\x0a", data.index(b"mdat"))
    assert refusal(data[:sequence] + b"\x7a" + data[sequence + 1 :]) == "damaged"  # now padding
    assert refusal(data.replace(b"infe", b"free")) == "damaged"
    assert refusal(data.replace(b"ftypavif", b"ftypavis")) == "damaged"


def test_very_many_parts_of_an_avif_cost_little() -> None:
    data = encoded(np.zeros((64, 64, 3), np.uint8), ".avif")
    place = data.index(b"iloc") + 4 + 14
    sequence = data[data.index(b"\x0a", data.index(b"mdat")) :][:12]
    for units in (sequence * 500_000, bytes(3_000_000), b"\x12\0" * 3_000_000):
        moved = (len(data) + 8).to_bytes(4, "big") + len(units).to_bytes(4, "big")
        free = (len(units) + 8).to_bytes(4, "big") + b"free" + units
        started = time.process_time()
        assert refusal(data[:place] + moved + data[place + 8 :] + free) == "damaged"
        assert time.process_time() - started < 1


def test_a_jpeg_of_very_many_scans_is_refused(astronaut: Image) -> None:
    data = encoded(astronaut[:64, :64], ".jpg")
    scan = data[data.index(b"\xff\xda") : -2]
    assert refusal(data[:-2] + scan * 200 + b"\xff\xd9") == "damaged"


@pytest.mark.parametrize("filler", [b"\xff\xe0\x00\x02", b"\xff\xd0"])
def test_very_many_jpeg_segments_cost_little(filler: bytes) -> None:
    started = time.process_time()
    assert refusal(b"\xff\xd8" + filler * 3_000_000) == "damaged"
    assert time.process_time() - started < 1


def test_very_many_png_chunks_cost_little(astronaut: Image) -> None:
    data = encoded(astronaut[:8, :8], ".png")
    started = time.process_time()
    assert refusal(data[:33] + b"\0\0\0\0teXt\0\0\0\0" * 1_000_000) == "damaged"
    assert time.process_time() - started < 1


def test_other_images_and_other_files_are_told_apart() -> None:
    assert refusal(b"GIF89a" + bytes(100)) == "unsupported_format"
    assert refusal(b"\0\0\0\x18ftypheic" + bytes(100)) == "unsupported_format"
    assert refusal(b"<html>no picture</html>") == "not_an_image"
    assert refusal(b"%PDF-1.7" + bytes(100)) == "not_an_image"


@pytest.mark.parametrize(
    "picture",
    [
        np.full((50, 60), 200, np.uint8),
        np.full((50, 60), 200 * 257, np.uint16),
        np.full((50, 60, 4), 200, np.uint8),
        np.full((50, 60, 3), 200 * 257, np.uint16),
    ],
    ids=["grey", "grey 16-bit", "transparent", "16-bit"],
)
def test_grey_deep_and_transparent_png_become_rgb(picture: np.ndarray) -> None:
    image = decode(encoded(picture, ".png"))
    assert (image.dtype, image.shape) == (np.uint8, (50, 60, 3))
    assert (image == 200).all()


def test_jpeg_written_here_is_read_back(astronaut: Image) -> None:
    assert np.abs(decode(encode_jpeg(astronaut, quality=95)).astype(int) - astronaut).mean() < 3


@given(
    data=st.binary(max_size=300),
    magic=st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"\0\0\0 ftypavif"]),
)
@settings(max_examples=300, deadline=None)
def test_arbitrary_bytes_are_refused_in_words(data: bytes, magic: bytes) -> None:
    for candidate in (data, magic + data):
        with pytest.raises(ImageError):
            decode(candidate)


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_altered_images_are_read_or_refused(data: st.DataObject) -> None:
    suffix = data.draw(st.sampled_from(sorted(FORMATS.values())))
    content = bytearray(encoded(np.arange(48 * 48 * 3, dtype=np.uint8).reshape(48, 48, 3), suffix))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = decode(bytes(content), max_pixels=1_000_000)
    except ImageError:
        return
    assert (image.ndim, image.shape[2], image.dtype) == (3, 3, np.uint8)


@given(data=st.data(), channels=st.sampled_from([3, 4]))
@settings(max_examples=300, deadline=None)
def test_the_header_of_an_altered_avif_is_read_or_refused(data: st.DataObject, channels: int) -> None:
    picture = np.arange(8 * 8 * channels, dtype=np.uint8).reshape(8, 8, channels)
    content = bytearray(encoded(picture, ".avif", cv2.IMWRITE_AVIF_SPEED, 10))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(ImageError):
        assert inspect(bytes(content)).format == "AVIF"
        assert avif_turns(bytes(content))


@pytest.mark.corpus
def test_malformed_files_cost_little_and_are_read_or_refused(corpus: Path) -> None:
    files = [path for path in (corpus / "malformed").iterdir() if path.suffix != ".tsv"]
    assert len(files) > 50
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for path in files:
        started = time.process_time()
        try:
            decode(path.read_bytes())
        except ImageError:
            assert "exif_face" not in path.name
        assert time.process_time() - started < 1, path.name
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("synth_jpeg_cut_half.jpg", "damaged"),
        ("truncated_jpeg.jpg", "damaged"),
        ("broken_data_stream.png", "damaged"),
        ("synth_png_bomb_12000x12000.png", "too_many_pixels"),
        ("jd_max_size.jpg", "too_many_pixels"),
        ("synth_html_as_jpeg.jpg", "not_an_image"),
        ("hopper.psd", "unsupported_format"),
        ("ljt_random12_99x92_ifast_rgb_420_Q90-80-70_smooth50.jpg", "unsupported_format"),
        ("synth_zero_byte.jpg", "empty"),
    ],
)
def test_malformed_files_are_refused_for_the_right_reason(corpus: Path, name: str, code: str) -> None:
    assert refusal((corpus / "malformed" / name).read_bytes()) == code


@pytest.mark.corpus
def test_exif_rotation_is_applied(corpus: Path) -> None:
    upright = decode((corpus / "malformed" / "synth_exif_face_1.jpg").read_bytes()).astype(int)
    for orientation in (3, 4, 6, 7):
        turned = decode((corpus / "malformed" / f"synth_exif_face_{orientation}.jpg").read_bytes())
        assert np.abs(turned - upright).mean() < 4
