"""A shelf of style images, drawn by code: ``python -m tools.shelf``."""
