"""Folders of the checkout."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The root of the repository."""

RESULTS = ROOT / "bench" / "results"
IMAGES = ROOT / "docs" / "images"
CONFIGS = ROOT / "configs"
