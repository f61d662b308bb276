"""The sliding-window detector."""
