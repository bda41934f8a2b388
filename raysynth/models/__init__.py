"""The three networks, what they see of a mask, the image codecs, and the diffusion process that they share."""
