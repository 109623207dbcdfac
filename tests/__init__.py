"""A package, since IPython 7 puts another `tests` on the path, which would hide a folder."""
