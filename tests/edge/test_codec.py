"""Crops are small, hold the whole face with some margin, and can be read back."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_client.codec import MARGIN, MAX_SIDE, available, crop, encode

FRAME = np.zeros((480, 640, 3), np.uint8)


@given(x=st.floats(0, 639), y=st.floats(0, 479), width=st.floats(4, 900), height=st.floats(4, 900))
def test_crop_never_exceeds_the_limit_nor_the_frame(x, y, width, height):
    part = crop(FRAME, (x - width / 2, y - height / 2, x + width / 2, y + height / 2))
    assert min(part.shape[:2]) >= 1
    assert max(part.shape[:2]) <= MAX_SIDE


def test_small_face_keeps_its_pixels_with_the_margin_around_it():
    image = np.zeros((200, 300, 3), np.uint8)
    image[80:120, 130:170] = 255
    part = crop(image, (130, 80, 170, 120))
    side = round(40 * (1 + MARGIN))
    assert part.shape == (side, side, 3)
    assert (part[8:-8, 8:-8] == 255).all()
    assert not part[:8].any()


def test_crop_does_not_hold_on_to_its_frame():
    assert crop(FRAME, (100, 100, 150, 150)).base is None


def test_box_outside_the_frame_is_an_error():
    with pytest.raises(ValueError, match="outside the frame of 640x480"):
        crop(FRAME, (900, 100, 950, 150))


@pytest.mark.parametrize(("codec", "magic"), [("jpeg", b"\xff\xd8\xff"), ("webp", b"RIFF"), ("avif", b"\0\0\0")])
def test_encoded_crop_is_a_file_of_its_kind_in_the_right_colours(codec, magic):
    image = np.full((160, 160, 3), (200, 60, 30), np.uint8)
    content = encode(image, codec)
    assert content.startswith(magic)
    back = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_allclose(back.astype(int), image.astype(int), atol=8)


@pytest.mark.parametrize("codec", ["jpeg", "webp", "avif"])
def test_even_noise_fits_many_to_a_request(codec):
    noise = np.random.default_rng(0).integers(0, 256, (MAX_SIDE, MAX_SIDE, 3), np.uint8)
    assert 32 * len(encode(noise, codec)) < 8 * 2**20


def test_codec_that_this_opencv_cannot_write_falls_back_with_a_word(monkeypatch, caplog):
    assert available("avif") == "avif"
    monkeypatch.setattr(cv2, "haveImageWriter", lambda suffix: suffix != ".avif")
    assert (available("avif"), available("jpeg")) == ("webp", "jpeg")
    assert "cannot write avif" in caplog.text
