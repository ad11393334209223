"""Figures: one style, one module for each kind of panel, and the files that a figure leaves."""
