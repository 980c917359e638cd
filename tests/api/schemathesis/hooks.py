"""What schemathesis has to be told of the service, besides the document."""

from typing import Any

import schemathesis

# To the tool these bodies are any texts; `test_openapi_examples` sends what they are.
_TEXTS = ("application/x-ndjson", "text/csv", "application/xml", "application/yaml")


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Send JSON alone."""
    for path in raw_schema["paths"].values():
        for operation in path.values():
            content = operation["requestBody"]["content"] if "requestBody" in operation else {}
            for media_type in _TEXTS:
                content.pop(media_type, None)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Ask for the dialect that an operation belongs to, and for an end of waiting."""
    responses = case.operation.definition.raw["responses"]
    if "405" in responses:
        case.headers = {**(case.headers or {}), "Accept": "application/json; dialect=data"}
