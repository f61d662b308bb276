"""Words for the user."""


def one_line(error: Exception) -> str:
    """Put an error into one line.

    Args:
        error: what was raised.

    Returns:
        What happened and, for an error of the file system, to which file.
    """
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(str(error).split()) or type(error).__name__
