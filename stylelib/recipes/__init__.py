"""Published systems as data: what a recipe is, the recipes, and how their losses are scaled.

Begin with `published` for the recipes, `recipe` for what one may say, and `conventions` for the
factor between each system's losses and the paper's. Nothing here computes with pictures or imports
TensorFlow; imports `images`, `vgg.layers` and `_utils`.
"""
