"""Pictures from wherever they are to ``uint8`` arrays ``(H, W, 3)``, RGB, and back to files.

Begin with `load` and `save`. Behind them stand the formats that are decoded (`formats`; `jpeg`,
`png` and `tiff` have what Pillow leaves open), what numbers mean (`levels`), colour profiles and
transparency (`colours`), colours kept or carried over (`colour_control`), files and addresses
(`sources`, `downloads`) and the limits of size (`sizes`). Nothing here imports TensorFlow; imports
`_utils`.

A picture is refused, in one line that names it, by `sources` (missing, unreadable, too many bytes),
`downloads` (not https, not public, too slow), `formats` and `tiff` (no picture, a raw photograph),
`levels` (numbers in no known range) and `sizes` (too many pixels); by `runs.job` where it is too
small for the layers, and by `runs.memory` where it does not fit. See docs/formats-and-limits.md.
"""
