"""Many runs: every combination of pictures and settings, on this machine or on a cluster.

Begin with `sweep`. A `grid` says which trials there are, `results` keeps each of them in a folder
and reads them back as a table, `plan_file` reads a sweep from a TOML file. Imports `runs` and what
is below it.
"""
