"""Faces of people who do not exist, and the plan of a house that does not either."""

import cv2
import numpy as np

from recognition.engine.faces import Image

SIDE = 320
SKINS = ((246, 214, 190), (231, 190, 160), (205, 156, 122), (162, 112, 82), (112, 74, 54))
HAIRS = ((38, 30, 28), (84, 56, 38), (148, 98, 54), (212, 172, 104), (158, 158, 162), (132, 52, 30))
CLOTHES = ((42, 78, 110), (126, 58, 66), (58, 104, 84), (92, 84, 128), (176, 138, 68), (70, 74, 82))
WALLS = ((214, 222, 226), (226, 218, 206), (206, 216, 206), (222, 212, 220), (200, 208, 218))
PAPER, WALL, FLOOR, INK = (250, 250, 248), (92, 104, 114), (236, 240, 242), (110, 120, 128)


def portrait(seed: int) -> Image:
    """RGB (320, 320, 3): head and shoulders, another person for each seed."""
    random = np.random.default_rng(seed)
    skin, hair, cloth, wall = (_pick(random, colours) for colours in (SKINS, HAIRS, CLOTHES, WALLS))
    image = np.full((SIDE, SIDE, 3), wall, np.uint8)
    image[:] = (image * np.linspace(1.04, 0.86, SIDE)[:, None, None]).clip(0, 255)
    shade = tuple(round(0.82 * value) for value in skin)
    width = random.uniform(0.19, 0.22)

    def ellipse(x: float, y: float, a: float, b: float, colour: tuple, angles: tuple[int, int] = (0, 360)) -> None:
        """Middle and radii in shares of the side."""
        middle, radii = (round(SIDE * x), round(SIDE * y)), (round(SIDE * a), round(SIDE * b))
        cv2.ellipse(image, middle, radii, 0, *angles, colour, -1, cv2.LINE_AA)

    style = random.integers(4)
    if style == 0:  # long
        ellipse(0.5, 0.5, width + 0.07, 0.33, hair)
    elif style == 1:  # a bun
        ellipse(0.5, 0.15, 0.08, 0.08, hair)
    ellipse(0.5, 1.02, 0.38, 0.24, cloth)
    ellipse(0.5, 0.79, 0.1, 0.1, shade)
    ellipse(0.5, 0.46, width + 0.02, 0.28, hair)
    ellipse(0.5, 0.5, width, 0.25, skin)
    if style < 3:
        ellipse(0.5, 0.36, width, 0.13, hair, (180, 360))
    else:  # short and high
        ellipse(0.5, 0.33, width * 0.92, 0.09, hair, (180, 360))
    for x in (0.42, 0.58):
        ellipse(x, 0.425, 0.042, 0.009, hair)
        ellipse(x, 0.475, 0.036, 0.02, (248, 248, 248))
        ellipse(x, 0.475, 0.017, 0.018, (52, 44, 40))
    ellipse(0.5, 0.56, 0.022, 0.032, shade)
    ellipse(0.5, 0.645, 0.062, 0.02, (178, 92, 88))
    if random.random() < 0.25:
        ellipse(0.5, 0.69, width * 0.8, 0.075, hair, (0, 180))
    if random.random() < 0.3:
        for x in (0.42, 0.58):
            cv2.circle(image, (round(SIDE * x), round(SIDE * 0.475)), 19, (50, 54, 60), 3, cv2.LINE_AA)
        cv2.line(image, (round(SIDE * 0.48), 152), (round(SIDE * 0.52), 152), (50, 54, 60), 3, cv2.LINE_AA)
    return cv2.GaussianBlur(image, (0, 0), 0.8)


def as_seen(image: Image, seed: int) -> Image:
    """As a camera gets it: 112 pixels, a little off, in another light, with noise."""
    random = np.random.default_rng(seed)
    shift = np.float32([[1, 0, random.uniform(-12, 12)], [0, 1, random.uniform(-12, 12)]])
    moved = cv2.warpAffine(image, shift, (image.shape[1], image.shape[0]), borderMode=cv2.BORDER_REPLICATE)
    small = cv2.resize(moved, (112, 112), interpolation=cv2.INTER_AREA).astype(np.float32)
    return (small * random.uniform(0.9, 1.1) + random.normal(0, 3, small.shape)).clip(0, 255).astype(np.uint8)


def floor_plan() -> Image:
    """RGB (700, 1100, 3): an entrance hall, offices along a corridor, a laboratory wing and a loading dock."""
    image = np.full((700, 1100, 3), PAPER, np.uint8)
    cv2.rectangle(image, (40, 40), (1060, 660), FLOOR, -1)
    rooms = {
        "Offices": (40, 40, 420, 250), "Meeting": (420, 40, 620, 250), "Laboratory": (620, 40, 1060, 330),
        "Entrance hall": (40, 340, 420, 660), "Reception": (420, 430, 620, 660), "Warehouse": (620, 420, 1060, 660),
    }  # fmt: skip
    for name, (left, top, right, bottom) in rooms.items():
        cv2.rectangle(image, (left, top), (right, bottom), (255, 255, 255), -1)
        cv2.rectangle(image, (left, top), (right, bottom), WALL, 6, cv2.LINE_AA)
        cv2.putText(image, name, (left + 18, top + 36), cv2.FONT_HERSHEY_SIMPLEX, 0.7, INK, 1, cv2.LINE_AA)
    cv2.rectangle(image, (40, 40), (1060, 660), WALL, 10)
    doors = ((200, 250, 260), (500, 250, 560), (760, 330, 830), (200, 340, 270), (490, 430, 550), (800, 420, 880))
    for left, y, right in doors:
        cv2.line(image, (left, y), (right, y), FLOOR, 10)
    for start, end in (((40, 470), (40, 560)), ((900, 660), (1010, 660))):
        cv2.line(image, start, end, PAPER, 12)
    return image


def _pick(random: np.random.Generator, colours: tuple) -> tuple[int, int, int]:
    return colours[random.integers(len(colours))]
