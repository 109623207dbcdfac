"""Pictures from wherever they are to ``uint8`` arrays ``(H, W, 3)``, RGB, and back to files.

Begin with `load` and `save`. Behind them stand the formats that are decoded (`formats`, and of two
of them what Pillow leaves open: `tiff`, `png`), what numbers mean (`levels`), colour profiles and
transparency (`colours`), files and addresses (`sources`, `downloads`) and the limits of size
(`sizes`). Nothing here imports TensorFlow; imports `_utils`.
"""
