"""Textures grown from two patches of an image: what ImageNet-Texture is made of (paper, section 2.2)."""
