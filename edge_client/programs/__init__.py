"""The edge node's programs, a module each: `add_options(parser)`, and `run(options)` that returns the exit code."""
