"""What every page for browsers is: HTML under a policy that keeps strangers' code and style out."""

from aiohttp import web

POLICY = "Content-Security-Policy"
_ONLY_OURS = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page(html: str, *, status: int = 200) -> web.Response:
    """An answer that browsers show. Its scripts and styles are files below `/static/`."""
    return web.Response(
        text=html,
        status=status,
        content_type="text/html",
        headers={POLICY: _ONLY_OURS},
    )
