"""The sliding-window detector: objectness network, box refiner and crop classifier."""
