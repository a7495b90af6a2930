"""Networks that come fitted, in a file: a library that adapters of frameworks share, not a plugin."""
