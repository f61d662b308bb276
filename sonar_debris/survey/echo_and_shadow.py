"""Objects that were taken for two: an echo and the shadow that it throws lie side by side, each like a thing."""

import pandas as pd

# How far apart, in sides of the lesser one's box, two boxes may lie that still touch.
MARGIN = 0.25
# The lesser one shows up in less than this share of the frames that show the greater one; when it does, in so many of
# its own frames beside it; and then in so many of these the two touch.
FLICKERS, TOGETHER, TOUCHING = 0.5, 0.5, 0.8


def join_echo_and_shadow(seen: pd.DataFrame) -> pd.Series:
    """The track of each detection, of an object's echo and shadow the same.

    A detector is used to one of the two, and now and then names the other too. What is seen beside a thing, touching
    it, in few of the frames that show that thing, is therefore a part of it.

    Args:
        seen: a row a detection: its ``track``, the ``index`` of its frame, its box ``x y w h`` in pixels.

    Returns:
        ``(N,)`` tracks: that of the greater part where there are two.
    """
    frames = seen.groupby("track")["index"].nunique()
    columns = ["track", "index", *"xywh"]
    both = seen[columns].merge(seen[columns], on="index", suffixes=("", "_greater"))
    both = both[both["track"].map(frames) < FLICKERS * both["track_greater"].map(frames)]
    pairs = _touch(both).groupby([both["track"], both["track_greater"]]).agg(["size", "mean"]).reset_index()
    pairs = pairs[(pairs["mean"] >= TOUCHING) & (pairs["size"] >= TOGETHER * pairs["track"].map(frames))]
    nearest = pairs.sort_values("size", ascending=False, kind="stable").drop_duplicates("track")
    belongs = nearest.set_index("track")["track_greater"]
    # A part of a part belongs to the whole. It ends: each is seen more often than the one before.
    while belongs.isin(belongs.index).any():
        belongs = belongs.map(belongs).fillna(belongs)
    return seen["track"].map(belongs).fillna(seen["track"]).astype(int)


def _touch(both: pd.DataFrame) -> pd.Series:
    """Whether the two boxes of each row overlap, the first one widened."""
    meet = pd.Series(True, index=both.index)
    for at, side in ("xw", "yh"):
        margin = MARGIN * both[side]
        meet &= both[at] - margin < both[f"{at}_greater"] + both[f"{side}_greater"]
        meet &= both[f"{at}_greater"] < both[at] + both[side] + margin
    return meet
