from hypothesis import given
from hypothesis import strategies as st

from sonar_debris.frames import FrameSelection
from sonar_debris.frames.frame import shift_slice

SLICES = st.builds(slice, st.none() | st.integers(0, 60), st.none() | st.integers(0, 60), st.none() | st.integers(1, 9))


@given(SLICES, st.lists(st.integers(0, 20), max_size=5))
def test_shifted_slices_of_the_parts_select_what_the_slice_of_the_whole_selects(frames, sizes):
    selected, position = [], 0
    for size in sizes:
        part = range(position, position + size)
        selected += part[shift_slice(frames, position)]
        position += size
    assert selected == list(range(position)[frames])


@given(SLICES, st.integers(0, 70))
def test_indices_are_the_positions_that_the_slice_selects(frames, count):
    assert list(FrameSelection(frames).indices(count)) == list(range(count))[frames]
