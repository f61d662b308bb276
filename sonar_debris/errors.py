"""The one family of errors that sonar_debris raises for its user's sake."""


class SonarDebrisError(Exception):
    """Something the user can put right; its message is one line: what, where, what to do."""


class SonarDebrisWarning(UserWarning):
    """Something the user should know though work goes on; its message is one line."""
