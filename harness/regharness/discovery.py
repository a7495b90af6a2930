"""Find installed plugins and register them. Knows none by name; one that is broken hides no other.

A plugin runs code as soon as it is imported. Where files of strangers are read, only those of regharness's own
distribution are.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType

import pluggy

from regharness import hookspecs
from regharness.errors import InputError, unknown_name
from regharness.markers import PROJECT

ENTRY_POINT_GROUP = "regharness"
DISABLE_AUTOLOAD = "REGHARNESS_DISABLE_PLUGIN_AUTOLOAD"
PLUGINS = "REGHARNESS_PLUGINS"
OWN_ONLY = "REGHARNESS_OWN_PLUGINS_ONLY"
OWN_DISTRIBUTION = "regharness"


@dataclass(frozen=True)
class Plugin:
    """An entry point of the group ``regharness``: its name, the module behind it, and who distributes it."""

    name: str
    module: str
    distribution: str
    version: str

    @property
    def own(self) -> bool:
        """Whether regharness's own distribution holds it; any other is a third party's."""
        # Names of distributions are equal as PEP 503 normalises them.
        return re.sub(r"[-_.]+", "-", self.distribution).lower() == OWN_DISTRIBUTION


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
        Plugins that the user switched off, or that are not wanted where files of strangers are read.
    installed
        All of them.
    """

    manager: pluggy.PluginManager
    loaded: dict[str, Plugin] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    disabled: dict[str, Plugin] = field(default_factory=dict)
    installed: tuple[Plugin, ...] = ()

    def state(self, plugin: Plugin) -> str:
        """One of loaded, broken and off."""
        if self.loaded.get(plugin.name) == plugin:
            return "broken" if plugin.name in self.broken else "loaded"
        return "off" if self.disabled.get(plugin.name) == plugin else "broken"


def discover(disabled: Iterable[str] = (), own: bool = False) -> Plugins:
    """Load every plugin that is installed and not switched off.

    Parameters
    ----------
    disabled
        Names of plugins to leave out.
    own
        Whether to leave out all that another distribution than regharness's holds.

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
    found = list(_installed())
    plugins = Plugins(manager, installed=tuple(plugin for plugin, _ in found))
    off, allowed = set(disabled), _allowed()
    names = {plugin.name for plugin, _ in found}
    for name in sorted(off | (allowed or set())):
        if name not in names:
            message, choices = unknown_name("plugin", name, names)
            raise InputError(message, help=choices)
    for plugin, entry_point in found:
        unwanted = own and not plugin.own
        if unwanted or plugin.name in off or (allowed is not None and plugin.name not in allowed):
            plugins.disabled[plugin.name] = plugin
        else:
            _register(plugins, plugin, entry_point)
    return plugins


def own_only() -> bool:
    """Whether no third-party plugin may be loaded, in this process and in those that it starts."""
    return _is_set(OWN_ONLY)


@contextmanager
def own_plugins_only() -> Iterator[None]:
    """See to it that no third-party plugin is loaded inside, by whatever asks for plugins."""
    before = os.environ.get(OWN_ONLY)
    os.environ[OWN_ONLY] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[OWN_ONLY]
        else:
            os.environ[OWN_ONLY] = before


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "") not in ("", "0")


def _allowed() -> set[str] | None:
    if not _is_set(DISABLE_AUTOLOAD):
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
