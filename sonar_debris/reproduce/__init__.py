"""The published results, regenerated on the real data and set beside what was published."""
