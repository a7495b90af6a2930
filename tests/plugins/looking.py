"""What tests ask of a page in a browser."""

from importlib.resources import files


def order(page, table="table.leaders"):
    """Names of the models that a table shows, from top to bottom."""
    names = page.locator(f"{table} tbody tr:visible th").all_inner_texts()
    return [name.split()[0] for name in names]


def grows_wider_than_its_window(page):
    """Whether one can scroll the page itself sideways."""
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def barriers(page):
    """What axe-core finds serious, with everything that can be opened open."""
    page.evaluate("document.querySelectorAll('details').forEach((drawer) => { drawer.open = true; })")
    page.evaluate((files("axe_core_python") / "axe.min.js").read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        (violation["id"], violation["nodes"][0]["html"])
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
