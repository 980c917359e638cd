"""GET /docs/try: Swagger UI on the OpenAPI document of this instance."""

from html import escape
from string import Template

from aiohttp import web

from ingest.http.documentation import documentation
from ingest.http.pages import page
from ingest.http.static import asset_path
from ingest.web.assets import why_missing

_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Try the API</title>
$head
</head>
<body>
$body
</body>
</html>
""")
_HEAD = Template("""\
<link rel="icon" href="data:,">
<link rel="stylesheet" href="$style">
<script type="module" src="$script"></script>""")
_BODY = """\
<header>
<a href="/docs">Documentation</a>
<noscript>This page needs JavaScript; <a href="/docs">the documentation</a> does not.</noscript>
</header>
<main id="try"></main>"""
_MISSING = Template("""\
<main>
<h1>Swagger UI is not installed here</h1>
<p>$script is missing. It is built when the service is installed, with packages from npm.</p>
<pre>$why</pre>
<h2>What to do</h2>
<p>In a checkout, run <code>make web</code> where npm's registry is reachable, and start the service
again. Else install a wheel or an image that has been built there.</p>
<p>Meanwhile, <a href="/docs">the documentation</a> describes every endpoint, and
<a href="/openapi.json">/openapi.json</a> is what Swagger UI would show.</p>
</main>""")


@documentation
async def show_try(_: web.Request) -> web.Response:
    """Swagger UI; or what is missing for it, and what to do."""
    script, style = asset_path("try.js"), asset_path("try.css")
    if script is None or style is None:
        return page(_missing())
    head = _HEAD.substitute(script=script, style=style)
    return page(_PAGE.substitute(head=head, body=_BODY))


def _missing() -> str:
    why = escape(why_missing() or "Nothing is known of its last build.")
    return _PAGE.substitute(
        head="", body=_MISSING.substitute(script="ingest/web/static/try.js", why=why)
    )
