"""``python -m regharness``."""

from regharness.cli import main

main()
