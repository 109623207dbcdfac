"""What measures speed and memory; never imported by the library.

``make bench`` runs all of it and writes ``benchmarks/RESULTS.md``.
"""
