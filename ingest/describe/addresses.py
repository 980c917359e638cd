"""E-mail addresses and URLs as marshmallow takes them, in JSON Schema."""

from functools import cache
from typing import Any

from marshmallow import validate

from ingest.describe.notes import noted
from ingest.describe.patterns import Untranslatable, matching_start

# Where `\w` ends, any character beyond ASCII is taken: there are hundreds of ranges of letters.
_BEYOND = r"[^\u0000-\u007f]"
_ATOM = rf"(?:[\-!#\$%&'*+\/=?^`{{|}}~0-9A-Za-z_]|{_BEYOND})"
_QUOTED = (
    r'"(?:[\u0001-\u0008\u000b\u000c\u000e-\u001f!#-\[\]-\u007f\u0130\u0131\u017f\u212a]'
    r'|\\[\u0001-\u0009\u000b\u000c\u000e-\u007f\u0130\u0131\u017f\u212a])*"'
)
_LETTER = r"0-9A-Za-z\u00a1-\uffff"
_LABEL = rf"(?:[{_LETTER}](?:[{_LETTER}\-]{{0,61}}[{_LETTER}])?\.)"
_DOMAIN = rf"{_LABEL}+(?:[A-Za-z\u00a1-\uffff]{{2,6}}|[{_LETTER}\-]{{2,}})"
_DIGIT = rf"(?:[0-9]|{_BEYOND})"
_BYTE = rf"(?:25[0-5]|2[0-4]{_DIGIT}|[01]?{_DIGIT}?{_DIGIT})"
_LITERAL = rf"\[{_BYTE}(?:\.{_BYTE}){{3}}\]"
_EMAIL = rf"^(?:{_ATOM}+(?:\.{_ATOM}+)*|{_QUOTED})@(?:{_DOMAIN}|{_LITERAL}|localhost)$"


def email() -> dict[str, Any]:
    """What `validate.Email` takes."""
    return noted(
        {"format": "email", "pattern": _EMAIL},
        "Beyond ASCII, the part before the @ holds letters and digits only.",
    )


def url(rule: validate.URL) -> dict[str, Any]:
    """What a rule for URLs takes."""
    said = _url(rule.relative, rule.absolute, rule.require_tld, tuple(sorted(rule.schemes)))
    return dict(said)


@cache
def _url(relative: bool, absolute: bool, tld: bool, schemes: tuple[str, ...]) -> dict[str, Any]:
    # Of its class: an object's own may have been made ready for long texts.
    regex = validate.URL._regex(relative=relative, absolute=absolute, require_tld=tld)
    try:
        found = matching_start(regex.pattern, regex.flags)
    except Untranslatable:
        return noted({"format": "uri"}, "It is a URL.")
    scheme = "|".join(map(_any_case, schemes))
    patterns = [found.pattern, rf"^(?:(?:{scheme}):\/\/|(?![\s\S]*:\/\/))"]
    if "file" in schemes:
        patterns[0] = f"{found.pattern}|^{_any_case('file')}:\\/\\/\\/"
    said: dict[str, Any] = {
        "format": "uri-reference" if relative else "uri",
        "minLength": 1,
        "allOf": [{"pattern": each} for each in patterns],
    }
    if not found.exact:
        said = noted(said, "Beyond ASCII, a port and an IP address have digits only.")
    return noted(said, "A file has a path that fits a URL.") if "file" in schemes else said


def _any_case(scheme: str) -> str:
    return "".join(f"[{each.upper()}{each}]" if each.isalpha() else rf"[{each}]" for each in scheme)
