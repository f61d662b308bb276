"""A forward-looking-sonar simulator with ground truth."""

from sonar_debris.simulator.render import simulate_frames

__all__ = ["simulate_frames"]
