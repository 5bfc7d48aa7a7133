"""Rectangles of a picture."""

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels."""


def holds(box: Box, other: Box) -> bool:
    """Whether the centre of the other lies in the box."""
    x, y = (other[0] + other[2]) / 2, (other[1] + other[3]) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def merged(boxes: list[Box]) -> list[Box]:
    """Boxes that touch, as the boxes around them."""
    apart: list[Box] = []
    for box in boxes:
        grown = box
        while touching := [other for other in apart if _touch(grown, other)]:
            apart = [other for other in apart if other not in touching]
            left, top, right, bottom = zip(grown, *touching, strict=True)
            grown = min(left), min(top), max(right), max(bottom)
        apart.append(grown)
    return apart


def _touch(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]
