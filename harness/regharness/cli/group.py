"""Kinds of commands: groups that suggest the nearest verb, and verbs that keep third-party plugins out. Holds none."""

from __future__ import annotations

import difflib

import click


class RegharnessGroup(click.Group):
    """Suggest what was meant, and end on a mistake with exit status 2."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the nearest one."""
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            names = self.list_commands(ctx)
            close = difflib.get_close_matches(args[0], names, n=1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            ctx.fail(f"No such command '{args[0]}'.{hint} Commands: {', '.join(names)}.")
        return super().resolve_command(ctx, args)


class OwnPluginsCommand(click.Command):
    """A verb that reads files of strangers: when it is called, no third-party plugin is imported."""
