"""What the service and its decoders say, in words of files and options.

They speak to who writes requests: of bodies, headers and query parameters. Who loads a file has
none of these.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ingest.errors import RequestError
from ingest.load.errors import LoadError

_OPTIONS = {"emptyAs": "--empty-as", "shortRows": "--short-rows"}
"""Query parameters whose options are not called as they are."""
_OF_THE_COMMAND = frozenset(
    {"delimiter", "matching", "decimal", "dates", "nulls", "items", "columns"}
)
_SMALLER = "Give a smaller --batch-size."


def _option(parameter: re.Match[str]) -> str:
    name = parameter[1]
    if name in _OF_THE_COMMAND:
        return f"--{name}"
    return _OPTIONS.get(name, f"'{name}'")


_WORDS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"[Tt]he query parameter '(\w+)'", _option),
    (r"`\?(\w+)=([^`]*)`", lambda found: f"`{_option(found)} {found[2]}`"),
    (r"`Content-Type: [\w/-]+; charset=([\w-]+)`", r"`--charset \1`"),
    (r"\bemptyAs=(\w+)", r"--empty-as \1"),
    (r"The request says `(\w+)=([^`]*)`", lambda found: f"You gave {_option(found)} {found[2]}"),
    (r"; a file without names is `text/csv; header=absent`", ", or give them as --columns"),
    (r"Name it in the header `Content-Encoding: \w+`, or send it uncompressed\.", "Unpack it."),
    (r"Send (the items|them) in several requests[^.]*\.", "Give a smaller --batch-size."),
    (r"(Wait for as long as Retry-After says, or s|S)end smaller batches\.", _SMALLER),
    (r"Send fewer side by side; [^.]*\.", "Give a smaller --in-flight."),
    (r"(Nothing was lost); send the same request again[^.]*\.", r"\1."),
    (r"(is not known)\. Look for the batch at Location, or [^.]*\.", r"\1."),
    (r"A request with this Idempotency-Key is in flight", "The same rows are on their way already"),
    (r"This Idempotency-Key was used for a different request", "Another load has the same key"),
    (r"Method, path, query, [^.]*\.", "Name this one with --run."),
    (r"(Wait, and s|S)end the same request again\.", "It is tried again."),
    (r"The Prefer header cannot be read", "The preferences cannot be read"),
    (r"send it as `Prefer: ([^`]*)`", r"give them as `--prefer '\1'`"),
    (r"Send it as `Authorization: Bearer TOKEN`\.", "Give it as INGEST_TOKEN, or as --token."),
    (r"Send UTF-8\.", "Save the file as UTF-8."),
    (r"Send it in UTF-8\.", "Save the file as UTF-8, or name the charset with --charset."),
    (r"The request has no body", "the file is empty"),
    (r"\b[Tt]he body\b", "the file"),
)


def in_words_of_files(text: str) -> str:
    """A sentence of the service as this command says it."""
    for pattern, words in _WORDS:
        text = re.sub(pattern, words, text)
    return text


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Turn what is wrong with a file into a LoadError that begins with its name."""
    try:
        yield
    except LoadError as error:
        raise LoadError(f"{name}: {error}") from None
    except RequestError as error:  # a decoder, which speaks of a body
        sentence = f"{error.message}. {error.description or ''}".rstrip()
        raise LoadError(f"{name}: {in_words_of_files(sentence)}") from None
