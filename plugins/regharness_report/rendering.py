"""Own how templates become pages: escaping, styles and script, and the policy that lets nothing else run.

What strangers wrote is text: Jinja2 escapes it, and control characters are shown as their codes. A page loads nothing,
runs one script whose hash its policy names, and has no styles in attributes.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from typing import Any

import jinja2
from markupsafe import Markup

from regharness.board_tables import visible
from regharness_report import line_plots, profile, robustness
from regharness_report.shades import BETTER, WORSE


def page(template: str, **content: Any) -> str:
    """A page, from the name of its template."""
    return _environment().get_template(template).render(**content)


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("regharness_report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
    )
    style = environment.get_template("style.css.jinja").render(worse=WORSE, better=BETTER)
    script = environment.get_template("script.js").render()
    environment.globals.update(
        box=line_plots,
        cloud=robustness,
        ranges=profile,
        style=Markup(style),
        script=Markup(script),
        policy="; ".join(
            (
                "default-src 'none'",
                f"style-src '{_hash(style)}'",
                f"script-src '{_hash(script)}'",
                "base-uri 'none'",
                "form-action 'none'",
            )
        ),
    )
    return environment


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _shown(value: Any) -> Any:
    """Show control characters of plain text as their codes; what is no text, or is markup already, stays as it is."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
