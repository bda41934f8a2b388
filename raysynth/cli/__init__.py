"""The `raysynth` command: its options, what it prints, and how it ends."""
