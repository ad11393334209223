"""Optimisers: `name = "sgd"` of a recipe is `sgd.py` here."""
