"""One run from settings and pictures to a `Result`.

Begin with `run`. It takes a `job` (settings checked, pictures read, no TensorFlow yet), refuses
what does not fit into memory (`memory`), keeps what a run can be resumed from (`checkpoints`) and
calls `objective` and `training`. Imports everything below `api`.
"""
