"""Find installed plugins and register them. Knows none by name; one that is broken hides no other."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import ModuleType

import pluggy

from regharness import hookspecs
from regharness.errors import InputError, unknown_name
from regharness.markers import PROJECT

ENTRY_POINT_GROUP = "regharness"
DISABLE_AUTOLOAD = "REGHARNESS_DISABLE_PLUGIN_AUTOLOAD"
PLUGINS = "REGHARNESS_PLUGINS"


@dataclass(frozen=True)
class Plugin:
    """An entry point of the group ``regharness``: its name, the module behind it, and who distributes it."""

    name: str
    module: str
    distribution: str
    version: str


@dataclass
class Plugins:
    """What discovery found.

    Attributes
    ----------
    manager
        Holds the registered plugins and calls their hooks.
    loaded
        Plugins that registered, by name.
    broken
        Plugins that did not, with the reason.
    disabled
        Plugins that the user switched off.
    """

    manager: pluggy.PluginManager
    loaded: dict[str, Plugin] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    disabled: dict[str, Plugin] = field(default_factory=dict)


def discover(disabled: Iterable[str] = ()) -> Plugins:
    """Load every plugin that is installed and not switched off.

    Parameters
    ----------
    disabled
        Names of plugins to leave out.

    Notes
    -----
    With ``REGHARNESS_DISABLE_PLUGIN_AUTOLOAD`` set to anything but empty or 0, only the plugins that
    ``REGHARNESS_PLUGINS`` names (comma-separated) are loaded.

    Raises
    ------
    InputError
        When a name to switch off, or in ``REGHARNESS_PLUGINS``, is of no installed plugin.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    plugins = Plugins(manager)
    found = list(_installed())
    off, allowed = set(disabled), _allowed()
    names = {plugin.name for plugin, _ in found}
    for name in sorted(off | (allowed or set())):
        if name not in names:
            message, choices = unknown_name("plugin", name, names)
            raise InputError(message, help=choices)
    for plugin, entry_point in found:
        if plugin.name in off or (allowed is not None and plugin.name not in allowed):
            plugins.disabled[plugin.name] = plugin
        else:
            _register(plugins, plugin, entry_point)
    return plugins


def _allowed() -> set[str] | None:
    if os.environ.get(DISABLE_AUTOLOAD, "") in ("", "0"):
        return None
    return {name for name in os.environ.get(PLUGINS, "").split(",") if name}


def _installed() -> Iterator[tuple[Plugin, importlib.metadata.EntryPoint]]:
    for entry_point in sorted(importlib.metadata.entry_points(group=ENTRY_POINT_GROUP), key=lambda e: e.name):
        owner = entry_point.dist
        yield (
            Plugin(
                entry_point.name,
                entry_point.module,
                owner.name if owner else "unknown",
                owner.version if owner else "unknown",
            ),
            entry_point,
        )


def _register(plugins: Plugins, plugin: Plugin, entry_point: importlib.metadata.EntryPoint) -> None:
    """Import and register one plugin; whatever goes wrong inside it is its own."""
    if plugin.name in plugins.loaded:
        other = plugins.loaded[plugin.name]
        plugins.broken[f"{plugin.name} ({plugin.distribution})"] = (
            f"its name is taken by the plugin of {other.distribution} {other.version}"
        )
        return
    try:
        module: ModuleType = entry_point.load()
        plugins.manager.register(module, name=plugin.name)
        plugins.manager.check_pending()
    except Exception as error:
        if plugins.manager.has_plugin(plugin.name):
            plugins.manager.unregister(name=plugin.name)
        plugins.broken[plugin.name] = f"{type(error).__name__}: {error}"
        return
    plugins.loaded[plugin.name] = plugin
