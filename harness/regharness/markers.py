"""Own the pluggy markers. Imports nothing of ours, so a plugin's ``__init__`` stays cheap."""

import pluggy

PROJECT = "regharness"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
