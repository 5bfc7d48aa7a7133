"""Bytes become upright RGB pixels, or a refusal that says why."""

import resource
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
