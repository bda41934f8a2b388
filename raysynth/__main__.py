"""`python -m raysynth` is the `raysynth` command."""

from raysynth.cli import main

main()
