"""Own which verbs there are: plugins add theirs, but third parties none where the verb reads files of strangers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import click

from regharness.cli.group import OwnPluginsCommand
from regharness.errors import InputError


@contextmanager
def plugin_verbs(cli: click.Group, words: list[str]) -> Iterator[None]:
    """Add the verbs of the plugins that may be loaded for the verb that `words` call.

    Which verb that is, click's own parser tells, so that it cannot be another than click will call. It is looked up
    before any third-party plugin is imported. Inside, no third-party plugin is loaded for an `OwnPluginsCommand`.
    """
    from regharness.catalog import load_catalog
    from regharness.discovery import own_plugins_only

    context = _context(cli)
    try:
        options, rest = _parsed(context, words)
        disabled = disabled_in(options.get("plugins") or ())
        called = _called(context, rest)
        if rest and called is None:
            with own_plugins_only():
                load_catalog(disabled).add_commands(cli)
            called = _called(context, rest)
    except click.UsageError:
        # Click will say so when it reads the line; no verb will be called.
        yield
        return
    guarded = isinstance(called, OwnPluginsCommand)
    with own_plugins_only() if guarded else nullcontext():
        load_catalog(disabled).add_commands(cli)
        yield


def disabled_in(plugins: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """Names of the plugins that ``-p no:NAME`` options switch off."""
    for text in plugins:
        if not text.startswith("no:"):
            raise InputError(f"-p takes no:NAME, not '{text}'", help="regharness list plugins shows the names")
    return tuple(text.removeprefix("no:") for text in plugins)


def _parsed(context: click.Context, words: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Options of a group before the verb, and the words from the verb on."""
    options, rest, _ = context.command.make_parser(context).parse_args(list(words))
    return dict(options), rest


def _called(context: click.Context, words: list[str]) -> click.Command | None:
    """The command that the words call, down through its groups; None if there is none of that name."""
    command: click.Command | None = context.command
    while isinstance(command, click.Group) and words:
        command = command.commands.get(words[0])
        if isinstance(command, click.Group):
            context = _context(command, context)
            _, words = _parsed(context, words[1:])
    return command


def _context(group: click.Group, parent: click.Context | None = None) -> click.Context:
    return click.Context(group, parent, **group.context_settings)
