"""From cells to frames: how many, which and where, their light, and what lies between them."""
