"""Geometry: cameras, star-shaped and smooth bodies, their views, spectra and slices."""
