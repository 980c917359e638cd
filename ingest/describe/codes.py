"""Which errors of the request as a whole an operation can give: one table."""

from collections.abc import Iterable

from ingest import errors
from ingest.errors import RequestError
from ingest.resources.possible_errors import possible_errors
from ingest.resources.resource import Resource
from ingest.settings import Settings

_ANY: tuple[type[RequestError], ...] = (
    errors.InvalidParameter,
    errors.FormatRequired,
    errors.TokenRequired,
    errors.TokenInvalid,
    errors.RateLimited,
    errors.InternalError,
    errors.Unavailable,
)
_OF_COLLECTION = (errors.NotPermitted,)
_BODY = (
    errors.MalformedBody,
    errors.KeyRequired,
    errors.InvalidKey,
    errors.LimitReached,
    errors.RequestTimeout,
    errors.Replayed,
    errors.InProgress,
    errors.BodyTooLarge,
    errors.TooManyItems,
    errors.UnsupportedMediaType,
    errors.UnsupportedEncoding,
    errors.KeyMismatch,
    errors.NotUnderstood,
)
_OF_KEYS = (
    errors.KeyRequired,
    errors.InvalidKey,
    errors.KeyMismatch,
    errors.Replayed,
    errors.InProgress,
)
ITEM: tuple[type[RequestError], ...] = (*_ANY, *_OF_COLLECTION, errors.ItemNotFound)
LIST: tuple[type[RequestError], ...] = (*_ANY, *_OF_COLLECTION)
WRITE: tuple[type[RequestError], ...] = (*_ANY, *_OF_COLLECTION, *_BODY)
BATCHES: tuple[type[RequestError], ...] = _ANY
BATCH: tuple[type[RequestError], ...] = (*_ANY, errors.NotPermitted, errors.UnknownBatch)
GIVE_UP: tuple[type[RequestError], ...] = (
    *BATCH,
    errors.NotRepairable,
    errors.AttemptMismatch,
)
REPAIR: tuple[type[RequestError], ...] = (
    *GIVE_UP,
    *(each for each in _BODY if each not in _OF_KEYS),
)


def names(
    found: Iterable[type[RequestError]], resource: Resource | None, settings: Settings
) -> list[str]:
    """The names of errors, without those that the collection cannot give, in the order of codes."""
    codes = {each.error_code.code: each.error_code.name for each in found}
    possible = codes.keys() if resource is None else possible_errors(resource, settings)
    return [codes[code] for code in sorted(codes) if code in possible]
