"""Templates into HTML."""

import pytest

from ingest.web.render import render

LOCKED = {"documented": True, "root": "", "style": None}


@pytest.mark.parametrize(
    ("text", "shown"),
    [("<b>&\"'", "&lt;b&gt;&amp;&#34;&#39;"), ("{{ 7 * 7 }}", "{{ 7 * 7 }}"), ("a\ud800", "a?")],
)
def test_it_is_text_and_can_be_encoded(text: str, shown: str) -> None:
    page = render("locked.html", message=text, **LOCKED)
    assert f'<p class="lead">{shown}. ' in page
    assert page.encode()
