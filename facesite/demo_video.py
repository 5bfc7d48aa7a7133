"""The demo's CCTV-like video and enrolment photos, made from two public-domain NASA and US Navy portraits.

The portraits come with scikit-image (Eileen Collins) and matplotlib (Grace Hopper). They are still pictures moved
over a drawn corridor: good for showing that the parts work together, no measure of recognition accuracy.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from matplotlib import cbook
from numpy.typing import NDArray
from skimage import data

Image = NDArray[np.uint8]

WIDTH, HEIGHT, FPS = 960, 540, 12
EYE_LEVEL = 215  # the camera hangs at head height, so every face stays near the horizon at any distance
DESK_TOP = 415
SECONDS = 30.0


@dataclass(frozen=True)
class Cutout:
    """Head and shoulders in a portrait: outline (x, y points), row to stretch into the body, face centre and width."""

    outline: tuple[tuple[int, int], ...]
    waist: int
    face: tuple[int, int]
    face_width: int


@dataclass(frozen=True)
class Walk:
    """One person's way through the picture: (moment, x of the face, width of the face) in shares of the video's length,
    of the frame's width, and in pixels."""

    person: str
    steps: tuple[tuple[float, float, float], ...]

    @property
    def start(self) -> float:
        return self.steps[0][0]

    @property
    def end(self) -> float:
        return self.steps[-1][0]


# fmt: off
CUTOUTS = {
    "astronaut": Cutout(
        outline=(
            (276, 31), (251, 19), (227, 16), (201, 23), (174, 43), (156, 58), (155, 98), (170, 116), (174, 128),
            (182, 133), (184, 147), (153, 152), (140, 159), (129, 170), (121, 205), (97, 222), (76, 235), (65, 246),
            (48, 282), (33, 345), (359, 345), (356, 302), (340, 262), (330, 254), (305, 252), (303, 231),
            (294, 210), (261, 178), (258, 157), (264, 149), (266, 137), (275, 134), (290, 117), (300, 93),
            (300, 78), (294, 55),
        ),
        waist=325, face=(225, 108), face_width=95,
    ),
    "grace_hopper": Cutout(
        outline=(
            (218, 31), (195, 49), (177, 70), (172, 87), (171, 152), (164, 160), (155, 184), (153, 197), (155, 219),
            (161, 228), (169, 260), (176, 270), (190, 278), (198, 327), (188, 329), (165, 344), (124, 359),
            (80, 368), (61, 380), (47, 387), (36, 418), (27, 445), (16, 559), (511, 559), (511, 434), (492, 393),
            (464, 377), (422, 366), (350, 335), (330, 330), (331, 296), (336, 285), (361, 262), (367, 236),
            (367, 178), (371, 134), (366, 92), (351, 80), (328, 51), (291, 38), (263, 25), (237, 27),
        ),
        waist=545, face=(264, 225), face_width=165,
    ),
}
# fmt: on

# Alone, nobody, alone, nobody, both (each turns back before they would meet), nobody.
WALKS = (
    Walk("astronaut", ((0.08, -0.1, 42), (0.18, 0.3, 60), (0.26, 0.52, 95), (0.31, 0.55, 118), (0.39, 1.15, 120))),
    Walk("grace_hopper", ((0.45, 1.1, 44), (0.54, 0.7, 66), (0.61, 0.42, 100), (0.64, 0.40, 112), (0.70, -0.15, 115))),
    Walk("astronaut", ((0.76, -0.1, 60), (0.83, 0.24, 72), (0.88, 0.27, 78), (0.95, -0.15, 84))),
    Walk("grace_hopper", ((0.77, 1.1, 56), (0.84, 0.72, 76), (0.88, 0.70, 82), (0.96, 1.15, 86))),
)


def portraits() -> dict[str, Image]:
    """Both portraits as RGB (H, W, 3) uint8: "astronaut" (Eileen Collins, NASA) and "grace_hopper" (US Navy)."""
    hopper = cv2.imread(str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)), cv2.IMREAD_COLOR_RGB)
    return {"astronaut": data.astronaut(), "grace_hopper": hopper}


def enrolment_photos() -> list[bytes]:
    """Four JPEG photos of the astronaut for enrolment.

    All show one and the same picture, differently cropped, scaled, turned and lit: they satisfy the rule that a person
    needs several photos, but hold no more information about her than one photo does.
    """
    portrait = portraits()["astronaut"]
    variants = [
        portrait,
        _adjusted(portrait[0:360, 40:400], scale=1.25, angle=3, gain=1.1),
        _adjusted(portrait[0:300, 90:370], scale=1.6, angle=-4, gain=0.85),
        cv2.GaussianBlur(_adjusted(portrait[0:420, 0:440], scale=0.9, angle=-2, gain=0.95), (0, 0), 0.7),
    ]
    return [_jpeg(image) for image in variants]


def make_demo_video(
    path: Path, *, seconds: float = SECONDS, progress: Callable[[int, int], None] | None = None
) -> None:
    """Write the demo video (960×540, 12 frames per second, MPEG-4) to `path`, which must end in .mp4.

    The same story is told in any length: a shorter video moves faster. `progress(done, total)` is called per frame.
    The file appears complete or not at all. Raises OSError if it cannot be written.
    """
    total = round(seconds * FPS)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}-{os.getpid()}.mp4")
    try:
        # The codec every OpenCV wheel can both write and read; H.264 encoding is missing from them.
        writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (WIDTH, HEIGHT))
        if not writer.isOpened():
            raise OSError(f"cannot write the video {path}: is the folder read-only?")
        for number, frame in enumerate(_frames(total), start=1):
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
            if progress:
                progress(number, total)
        writer.release()
        if int(cv2.VideoCapture(str(temporary)).get(cv2.CAP_PROP_FRAME_COUNT)) != total:  # the writer reports no errors
            raise OSError(f"the video {path} came out incomplete: is the disk full?")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _frames(total: int) -> Iterator[Image]:
    background, desk = _corridor()
    figures = {person: _figure(image, CUTOUTS[person]) for person, image in portraits().items()}
    random = np.random.default_rng(7)
    grain = random.normal(0, 3.5, (HEIGHT * 2, WIDTH * 2, 1)).astype(np.float32)
    for number in range(total):
        frame = background.copy()
        for walk in WALKS:
            if walk.start <= number / total <= walk.end:
                _place(frame, figures[walk.person], CUTOUTS[walk.person], walk, number / total)
        frame[DESK_TOP:] = desk
        frame = cv2.GaussianBlur(frame, (0, 0), 0.8)
        top, left = random.integers(0, HEIGHT), random.integers(0, WIDTH)
        frame += grain[top : top + HEIGHT, left : left + WIDTH]
        seconds = number / FPS
        stamp = f"CAM 01  ENTRANCE   {int(seconds) // 60:02}:{seconds % 60:05.2f}"
        cv2.putText(frame, stamp, (16, 30), cv2.FONT_HERSHEY_PLAIN, 1.4, (225, 225, 215), 1, cv2.LINE_AA)
        yield np.clip(frame, 0, 255).astype(np.uint8)


def _figure(portrait: Image, cutout: Cutout) -> NDArray[np.float32]:
    """The person as RGBA float32, alpha 0-1 with a soft edge, its lowest row drawn out into a body behind the desk."""
    mask = np.zeros(portrait.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.array(cutout.outline)], 255, cv2.LINE_AA)
    alpha = cv2.GaussianBlur(cv2.erode(mask, np.ones((3, 3), np.uint8)), (0, 0), 1.5).astype(np.float32) / 255
    figure = np.dstack([portrait.astype(np.float32), alpha])[: cutout.waist]
    return cv2.copyMakeBorder(figure, 0, 900, 0, 0, cv2.BORDER_REPLICATE)


def _place(frame: NDArray[np.float32], figure: NDArray[np.float32], cutout: Cutout, walk: Walk, moment: float) -> None:
    x, face_width = _position(walk, moment)
    step = 2 * np.pi * moment * 50  # a walking pace at the default length
    scale = face_width / cutout.face_width
    matrix = cv2.getRotationMatrix2D(cutout.face, 2.0 * np.sin(step / 2), scale)
    matrix[:, 2] += np.array([x * WIDTH, EYE_LEVEL + 0.04 * face_width * np.sin(step)]) - cutout.face
    placed = cv2.warpAffine(figure, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_AREA)
    if scale < 1:  # warpAffine does not average when it shrinks: without this, far faces would shimmer
        placed = cv2.GaussianBlur(placed, (0, 0), 0.35 / scale)
    alpha = placed[..., 3:]
    light = 0.5 + 0.35 * min(1.0, face_width / 110)
    frame *= 1 - alpha
    frame += placed[..., :3] * alpha * light


def _position(walk: Walk, moment: float) -> tuple[float, float]:
    """The face's x (share of the frame's width) and width (pixels) at a moment within the walk."""
    for (start, x0, width0), (end, x1, width1) in pairwise(walk.steps):
        if moment <= end:
            share = (moment - start) / (end - start)
            return x0 + (x1 - x0) * share, width0 + (width1 - width0) * share
    raise ValueError(f"moment {moment} is outside the walk, which ends at {walk.end}")


def _corridor() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A dim corridor (HEIGHT, WIDTH, 3) and the desk that covers its part below DESK_TOP."""
    scene = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    left, right, top, bottom = 360, 600, 130, 300  # the far wall
    corners = {"tl": (0, -60), "tr": (WIDTH, -60), "bl": (0, 560), "br": (WIDTH, 560)}
    far = {"tl": (left, top), "tr": (right, top), "bl": (left, bottom), "br": (right, bottom)}
    ceiling, floor, left_wall, right_wall = ("tl", "tr"), ("bl", "br"), ("tl", "bl"), ("tr", "br")
    colours = {ceiling: (96, 98, 94), floor: (72, 66, 60), left_wall: (104, 104, 98), right_wall: (88, 90, 88)}
    for (a, b), colour in colours.items():
        cv2.fillPoly(scene, [np.array([corners[a], corners[b], far[b], far[a]])], colour)
    cv2.rectangle(scene, (left, top), (right, bottom), (118, 117, 108), -1)
    cv2.rectangle(scene, (445, 185), (515, bottom), (70, 76, 80), -1)
    for share in np.geomspace(0.06, 1, 9):
        row = round(bottom + (560 - bottom) * share)
        cv2.line(
            scene, (round(left * (1 - share)), row), (round(right + (WIDTH - right) * share), row), (60, 55, 50), 2
        )
    for share in np.linspace(0, 1, 7):
        cv2.line(scene, (round(left + (right - left) * share), bottom), (round(WIDTH * share), 560), (60, 55, 50), 2)
    for x in (60, 180, 290, 670, 780, 900):
        half = round(abs(x - WIDTH / 2) * 0.34)
        cv2.line(scene, (x, 205 - half), (x, 215 + half), (80, 80, 76), 3)
    for share in (0.15, 0.45):
        row, half = round(top * (1 - share)), round(60 + 90 * share)
        cv2.rectangle(scene, (WIDTH // 2 - half, row - 8), (WIDTH // 2 + half, row), (215, 214, 200), -1)
    lit = cv2.GaussianBlur(scene, (0, 0), 2.5).astype(np.float32) * _vignette()
    desk = np.full((HEIGHT - DESK_TOP, WIDTH, 3), (44, 38, 34), np.float32)
    desk *= np.linspace(1.1, 0.6, len(desk), dtype=np.float32)[:, None, None]
    desk[:9] = (92, 84, 74)
    return lit, desk


def _vignette() -> NDArray[np.float32]:
    x, y = np.meshgrid(np.linspace(-1, 1, WIDTH), np.linspace(-1, 1, HEIGHT))
    return (0.95 - 0.35 * (x**2 + y**2) / 2).astype(np.float32)[..., None]


def _adjusted(image: Image, *, scale: float, angle: float, gain: float) -> Image:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
    size = round(width * scale), round(height * scale)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    turned = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return cv2.convertScaleAbs(turned, alpha=gain)


def _jpeg(image: Image) -> bytes:
    return cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
