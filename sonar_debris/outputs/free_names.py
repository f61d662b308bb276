"""Names of files of which no two are the same."""


class FreeNames:
    """Gives each file a name of its own, also where case does not count."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, stem: str) -> str:
        """``stem``, or ``stem-2``, ``stem-3`` … if that is taken."""
        name, copy = stem, 1
        while name.casefold() in self._taken:
            copy += 1
            name = f"{stem}-{copy}"
        self._taken.add(name.casefold())
        return name
