"""GET /docs/try: Swagger UI on the OpenAPI document of this instance."""

from aiohttp import web

from ingest.http.documentation import documentation, html, unchanging
from ingest.http.pages import page
from ingest.http.service import SERVICE
from ingest.http.static import asset_path
from ingest.web.assets import why_missing


@documentation
async def show_try(request: web.Request) -> web.Response:
    """Swagger UI; or what is missing for it, and what to do."""
    script, style = asset_path("try.js"), asset_path("try.css")
    if script is None or style is None:
        why = why_missing() or "Nothing is known of its last build."
        text = html(request.app[SERVICE], "try_missing.html", why=why)
    else:
        # Its stylesheet holds that of the other pages, so that neither disturbs the other.
        text = html(request.app[SERVICE], "try.html", style=style, script=script)
    return unchanging(request, page(text))
