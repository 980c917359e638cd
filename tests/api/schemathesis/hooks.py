"""What schemathesis has to be told of the service, besides the document."""

from typing import Any

import schemathesis

# To the tool these bodies are any texts; `test_openapi_examples` sends what they are.
_TEXTS = ("application/x-ndjson", "text/csv", "application/xml", "application/yaml")
_DATA = "application/json; dialect=data"


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
    """Ask for the dialect `data` where only that has an operation, or names all methods."""
    responses = case.operation.definition.raw["responses"]
    of_data = "405" in responses and case.method in ("PUT", "PATCH", "DELETE")
    if of_data or case.method == "OPTIONS":
        case.headers["Accept"] = _DATA
