"""How fast, how large, how reliable: each suite writes one file into `bench/results/`."""
