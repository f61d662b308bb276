import pandas as pd
import pytest

from sonar_debris.survey.objects import join_echo_and_shadow

SHADOW, FOOT, FAR = (100.0, 100.0, 20.0, 80.0), (104.0, 182.0, 12.0, 12.0), (160.0, 100.0, 12.0, 12.0)


def sightings(**boxes):
    """A row for each frame that shows a track: ``a=(box, frames)`` for the tracks 0, 1, … in order."""
    rows = [
        {"track": track, "index": index, **dict(zip("xywh", box, strict=True))}
        for track, (box, frames) in enumerate(boxes.values())
        for index in frames
    ]
    return pd.DataFrame(rows, columns=["track", "index", *"xywh"])


def joined(**boxes):
    seen = sightings(**boxes)
    return seen.assign(joined=join_echo_and_shadow(seen)).groupby("track")["joined"].first().tolist()


@pytest.mark.parametrize("order", [1, -1])
def test_an_echo_that_flickers_at_the_foot_of_a_shadow_is_part_of_it(order):
    parts = [("shadow", (SHADOW, range(40))), ("foot", (FOOT, range(0, 40, 4)))]

    assert len(set(joined(**dict(parts[::order])))) == 1
    assert joined(**dict(parts)) == [0, 0]


@pytest.mark.parametrize(
    ("box", "frames"),
    [
        (FAR, range(0, 40, 4)),  # beside it, not touching
        (FOOT, range(0, 40, 2)),  # there in half of its frames: a thing of its own
        (FOOT, range(38, 50)),  # mostly seen without it
    ],
)
def test_what_is_steady_or_apart_is_an_object_of_its_own(box, frames):
    assert joined(shadow=(SHADOW, range(40)), other=(box, frames)) == [0, 1]


def test_what_touches_another_now_and_then_only_passes_by():
    seen = sightings(shadow=(SHADOW, range(40)), other=(FOOT, range(10)))
    seen.loc[(seen["track"] == 1) & (seen["index"] >= 7), "x"] = 300.0

    assert join_echo_and_shadow(seen).nunique() == 2


def test_of_two_neighbours_the_part_belongs_to_the_one_seen_with_it_more_often():
    other = (104.0, 196.0, 20.0, 80.0)

    tracks = joined(above=(SHADOW, range(40)), foot=(FOOT, range(10, 20)), below=(other, range(14, 60)))

    assert tracks == [0, 0, 2]


def test_a_part_of_a_part_belongs_to_the_whole():
    glint = (106.0, 195.0, 8.0, 8.0)

    assert joined(shadow=(SHADOW, range(40)), foot=(FOOT, range(15)), glint=(glint, range(5))) == [0, 0, 0]


def test_nothing_seen():
    assert join_echo_and_shadow(sightings()).tolist() == []
