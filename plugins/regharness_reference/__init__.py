"""What reference models of all frameworks have in common: a library that their plugins share, not a plugin."""
