"""Readers of labelled data, its splits, and samplers that draw training windows from it."""
