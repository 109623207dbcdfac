"""What measures speed and memory; never imported by the library.

``make bench`` runs all of it and writes ``benchmarks/RESULTS.md``. ``python -m
benchmarks.revisions`` tells whether a change of the code changes any result.
"""
