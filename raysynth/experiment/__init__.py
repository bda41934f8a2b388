"""The segmentation table: networks trained on none, real, synthetic and both, and what each of them finds."""
