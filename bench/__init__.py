"""Measures raysynth: performance, studies of quality, and tools that make or check what the pages show."""
