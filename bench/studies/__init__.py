"""How good: each study of quality writes one file into `bench/results/`."""
