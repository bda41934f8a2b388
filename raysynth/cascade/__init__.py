"""From a trained bundle to cells: masks, views, surfaces, slices and textures."""
