"""What every room needs and no reader of the paper does; not part of the public interface.

`checks` has the error messages, `files` what writes a file whole or not at all, `progress` the
progress bar, `process` Ctrl-C and threads, `tensorflow` the only import of TensorFlow and Keras.
Imports nothing of the library.
"""
