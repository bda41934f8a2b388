"""`python -m raysynth` is the `raysynth` command."""

from raysynth.cli.main import main

main()
