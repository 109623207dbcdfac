"""Pictures from wherever they are to ``uint8`` arrays ``(H, W, 3)``, RGB, and back to files.

Begin with `load` and `save`. Behind them stand the formats that are decoded (`formats`; `jpeg`,
`png` and `tiff` have what Pillow leaves open), what numbers mean (`levels`), colour profiles and
transparency (`colours`), files and addresses (`sources`, `downloads`) and the limits of size
(`sizes`). Nothing here imports TensorFlow; imports `_utils`.
"""
