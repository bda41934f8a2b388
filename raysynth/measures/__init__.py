"""Measures of labels and images: SEG, fidelity of images, morphology of cells."""
