"""Map the names that specs use to lazy factories and their owners. Imports a component only to build it."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regharness.component import Component
from regharness.discovery import Plugin, Plugins, discover, own_only
from regharness.errors import InputError, Problem, unknown_name

if TYPE_CHECKING:
    import click

    from regharness.parameters import Parameters

HOOKS = {
    "data": "regharness_data_generators",
    "shift": "regharness_shift_operators",
    "model": "regharness_model_adapters",
    "uncertainty": "regharness_uncertainty_methods",
    "metric": "regharness_metrics",
    "executor": "regharness_executors",
    "report": "regharness_reports",
}

TITLES = {
    "data": "data generator",
    "shift": "shift operator",
    "model": "model",
    "uncertainty": "uncertainty method",
    "metric": "metric",
    "executor": "executor",
    "report": "report",
}

MEMBERS = {
    "data": ("describe", "generate"),
    "shift": ("severities", "shift_type", "needs", "check", "apply"),
    "model": ("trainable", "needs", "fit", "predict", "save", "load", "execution"),
    "uncertainty": ("wrap",),
    "metric": ("direction",),
    "executor": ("run",),
    "report": ("suffix", "write"),
}
"""What the core uses of each kind of component."""


class Catalog:
    """Every component of the installed plugins.

    Attributes
    ----------
    plugins
        What discovery found; a plugin whose hook fails is moved to ``plugins.broken`` here.
    clashes
        ``(kind, name)`` to the plugins that offer it; such a name cannot be used.
    """

    def __init__(self, plugins: Plugins) -> None:
        self.plugins = plugins
        self.clashes: dict[tuple[str, str], list[str]] = {}
        self._offers: dict[str, dict[str, tuple[Component, Plugin]]] = {kind: {} for kind in HOOKS}
        self._parameters: dict[tuple[str, str], type[Parameters]] = {}
        for kind, hook in HOOKS.items():
            self._collect(kind, hook)

    def names(self, kind: str) -> list[str]:
        """Names of a kind, sorted."""
        return sorted(self._offers[kind])

    def component(self, kind: str, name: str) -> Component:
        """The component of that name; `InputError` when none, or several, offer it."""
        return self._offer(kind, name)[0]

    def owner(self, kind: str, name: str) -> Plugin:
        """The plugin that offers the component."""
        return self._offer(kind, name)[1]

    def parameters(self, kind: str, name: str) -> type[Parameters]:
        """The model that checks the component's ``with`` mapping."""
        from regharness.parameters import from_signature

        component = self.component(kind, name)
        if (kind, name) not in self._parameters:
            declared = component.parameters
            if declared is None:
                declared = from_signature(self.factory(kind, name))
            self._parameters[kind, name] = self._import(kind, name, declared) if isinstance(declared, str) else declared
        return self._parameters[kind, name]

    def check(self, kind: str, name: str, given: Mapping[str, Any], base: Path) -> Parameters:
        """Check a ``with`` mapping; files are relative to `base`.

        Raises
        ------
        pydantic.ValidationError
            With the location of every fault inside `given`.
        """
        return self.parameters(kind, name).model_validate(dict(given), context={"base": base, "catalog": self})

    def build(self, kind: str, name: str, parameters: Parameters) -> Any:
        """Call the component's factory with checked parameters."""
        given = {field: getattr(parameters, field) for field in type(parameters).model_fields}
        made = self.factory(kind, name)(**given)
        lacking = [member for member in MEMBERS[kind] if not hasattr(made, member)]
        if lacking:
            owner = self.owner(kind, name)
            raise InputError(
                f"{TITLES[kind]} '{name}' of the plugin {owner.name} ({owner.distribution} {owner.version}) "
                f"made a {type(made).__name__} without {', '.join(lacking)}",
                help="subclass its Protocol in regharness.interfaces, which brings the defaults",
            )
        return made

    def create(self, kind: str, name: str, given: Mapping[str, Any] | None = None, base: Path = Path()) -> Any:
        """Check and build in one step, for Python callers; every fault is an `InputError`."""
        return self.build(kind, name, self.checked(kind, name, given, base))

    def checked(self, kind: str, name: str, given: Mapping[str, Any] | None = None, base: Path = Path()) -> Parameters:
        """Check as `check` does, and that the component's packages are installed; every fault is an `InputError`."""
        import pydantic

        from regharness.faults import describe

        self.require(kind, name)
        try:
            return self.check(kind, name, given or {}, base)
        except pydantic.ValidationError as error:
            where = f"{TITLES[kind]} '{name}'"
            model = self.parameters(kind, name)
            raise InputError(
                [
                    Problem(message, where=".".join([where, *map(str, place)]), help=help)
                    for place, message, help in describe(error, model)
                ]
            ) from None

    def add_commands(self, cli: click.Group) -> None:
        """Let every plugin add its verbs to `cli`, regharness's own first, so that no other takes theirs.

        One that fails, or replaces a verb, counts as broken.
        """
        calls = self.plugins.manager.hook.regharness_commands.get_hookimpls()
        for call in sorted(calls, key=lambda call: not self.plugins.loaded[call.plugin_name].own):
            before = dict(cli.commands)
            try:
                call.function(cli=cli)
                replaced = [name for name, command in before.items() if cli.commands.get(name) is not command]
                if replaced:
                    raise ValueError(f"replaces the verb '{replaced[0]}'")
            except Exception as error:
                cli.commands.clear()
                cli.commands.update(before)
                self.plugins.broken[call.plugin_name] = f"regharness_commands: {type(error).__name__}: {error}"

    def require(self, kind: str, name: str) -> None:
        """Refuse a component whose packages are not installed, saying what to install."""
        component = self.component(kind, name)
        for package in component.requires:
            if importlib.util.find_spec(package) is None:
                raise InputError(
                    f"{TITLES[kind]} '{name}' needs the package '{package}', which is not installed",
                    help=f"pip install '{component.extra or package}'",
                )

    def _offer(self, kind: str, name: str) -> tuple[Component, Plugin]:
        if (kind, name) in self.clashes:
            owners = self.clashes[kind, name]
            raise InputError(
                f"{TITLES[kind]} '{name}' is offered by several plugins: {' and '.join(owners)}",
                help=f"switch one off with -p no:{owners[-1]}",
            )
        if name not in self._offers[kind]:
            raise InputError(Problem(*self.unknown(kind, name)))
        return self._offers[kind][name]

    def unknown(self, kind: str, name: str) -> tuple[str, str, str, int, str]:
        """Fields of the `Problem` that says there is no such name, and which plugins could not be asked."""
        message, choices = unknown_name(TITLES[kind], name, self._offers[kind])
        if self.plugins.broken:
            choices += f"; not loaded: {', '.join(self.plugins.broken)}, see 'regharness doctor'"
        if self.plugins.disabled:
            choices += f"; switched off: {', '.join(self.plugins.disabled)}"
        return message, "", "", 0, choices

    def factory(self, kind: str, name: str) -> Callable[..., Any]:
        """Import what makes the component."""
        factory = self.component(kind, name).factory
        made: Callable[..., Any] = self._import(kind, name, factory) if isinstance(factory, str) else factory
        return made

    def _import(self, kind: str, name: str, target: str) -> Any:
        module, _, attribute = target.partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            owner = self.owner(kind, name)
            raise InputError(
                f"{TITLES[kind]} '{name}' of the plugin {owner.name} ({owner.distribution} {owner.version}) "
                f"cannot be imported from {target}: {error}",
                help="see 'regharness doctor'",
            ) from error

    def _collect(self, kind: str, hook: str) -> None:
        for call in getattr(self.plugins.manager.hook, hook).get_hookimpls():
            plugin = self.plugins.loaded.get(call.plugin_name)
            if plugin is None:
                continue
            try:
                offers = {name: _component(offer) for name, offer in dict(call.function()).items()}
            except Exception as error:
                self.plugins.broken[plugin.name] = f"{hook}: {type(error).__name__}: {error}"
                continue
            for name, component in offers.items():
                self._add(kind, name, component, plugin)

    def _add(self, kind: str, name: str, component: Component, plugin: Plugin) -> None:
        if (kind, name) in self.clashes:
            self.clashes[kind, name].append(plugin.name)
        elif name in self._offers[kind]:
            _, other = self._offers[kind].pop(name)
            self.clashes[kind, name] = sorted([other.name, plugin.name])
        else:
            self._offers[kind][name] = (component, plugin)


def _component(offer: Any) -> Component:
    if isinstance(offer, Component):
        return offer
    if isinstance(offer, str) and ":" in offer:
        return Component(offer)
    if callable(offer):
        return Component(offer, summary=(offer.__doc__ or "").strip().split("\n")[0])
    raise TypeError(f"{offer!r} is no Component, 'module:Name' text or callable")


@functools.cache
def _cached(disabled: frozenset[str], own: bool) -> Catalog:
    return Catalog(discover(disabled, own))


def load_catalog(disabled: Iterable[str] = ()) -> Catalog:
    """The catalog of this process without the `disabled` plugins; found once and kept.

    Inside `regharness.discovery.own_plugins_only`, or with ``REGHARNESS_OWN_PLUGINS_ONLY`` set to anything but empty or
    0, it is of regharness's own plugins alone, and no other is imported.
    """
    return _cached(frozenset(disabled), own_only())
