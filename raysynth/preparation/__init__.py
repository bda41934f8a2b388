"""Preparation: real frames in; single-cell crops and statistics of the population out."""
