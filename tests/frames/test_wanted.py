from hypothesis import given
from hypothesis import strategies as st

from sonar_debris.frames.frame_selection import shift_slice

SLICES = st.builds(slice, st.none() | st.integers(0, 60), st.none() | st.integers(0, 60), st.none() | st.integers(1, 9))


@given(SLICES, st.lists(st.integers(0, 20), max_size=5))
def test_parts_give_together_what_the_whole_gives(frames, sizes):
    taken, position = [], 0
    for size in sizes:
        part = range(position, position + size)
        taken += part[shift_slice(frames, position)]
        position += size
    assert taken == list(range(position)[frames])
