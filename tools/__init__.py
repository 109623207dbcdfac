"""What builds the series out of its notebooks; never imported by the library."""
