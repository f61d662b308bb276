"""Times as people read them."""

from datetime import UTC, datetime


def iso_time(seconds: float) -> str:
    """Seconds since the epoch as ISO 8601 in UTC, to the millisecond; as a number where no calendar reaches.

    Example:
        >>> iso_time(0)
        '1970-01-01T00:00:00.000+00:00'
    """
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return f"{seconds:g} s"
