"""The commands of `stance`, a module each.

A module has `EXAMPLES`, which end its help, `add_arguments(parser)`, and `run(args)`, which returns
the exit code. It imports what it works with inside its functions: a command loads no more than it
needs. `stance.cli` has the table of them.
"""
