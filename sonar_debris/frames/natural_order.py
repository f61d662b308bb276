"""The order in which people count: ping-2 before ping-10."""

import re


def natural_pieces(text: str) -> list[int | str]:
    """A key that sorts numbers in a text by value; splitting at digits makes every second piece a number."""
    return [int(piece) if piece.isdecimal() else piece for piece in re.split(r"(\d+)", text)]
