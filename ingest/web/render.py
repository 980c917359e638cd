"""Templates into HTML. All that is put into one is escaped."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, **values: Any) -> str:
    """A page.

    Args:
        template: the name of a file in `templates`.
        values: what the template shows.
    """
    page = _TEMPLATES.get_template(template).render(values)
    return page.encode(errors="replace").decode()  # a lone surrogate could not be sent
