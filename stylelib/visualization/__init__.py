"""Figures, animations and controls for notebooks; nothing in the library needs them to compute.

Begin with `plotting`. `animation` makes a film of a run, `playground` has the controls of notebook
05 and is the only module that needs ipywidgets. Imports everything below it.
"""
