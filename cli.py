"""Run the command from a checkout: ``python cli.py …`` is the same as ``sonar-debris …``."""

from sonar_debris.commands.main import main

if __name__ == "__main__":
    main()
