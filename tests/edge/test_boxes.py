"""Boxes that touch become one; a box holds those whose centre lies in it."""

from hypothesis import given
from hypothesis import strategies as st

from edge_client.boxes import holds, merged

boxes = st.builds(
    lambda x, y, width, height: (x, y, x + width, y + height),
    st.integers(0, 500), st.integers(0, 500), st.integers(1, 200), st.integers(1, 200),
)  # fmt: skip


@given(st.lists(boxes, max_size=20))
def test_merged_boxes_cover_all_and_touch_nothing(given_boxes):
    found = merged(given_boxes)
    for box in given_boxes:
        assert any(one[0] <= box[0] and one[1] <= box[1] and one[2] >= box[2] and one[3] >= box[3] for one in found)
    for number, one in enumerate(found):
        for other in found[:number]:
            assert one[0] > other[2] or other[0] > one[2] or one[1] > other[3] or other[1] > one[3]


@given(boxes)
def test_a_box_holds_itself_and_what_is_centred_in_it(box):
    left, top, right, bottom = box
    assert holds(box, box)
    assert holds(box, (left - 500, top - 500, right + 500, bottom + 500))
    assert not holds(box, (right, top, 2 * right - left + 1, bottom))
