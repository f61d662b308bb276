"""The detection pipeline: propose, refine, name."""
