"""Which errors of the request as a whole an operation can give: one table."""

from collections.abc import Iterable, Set

from ingest import errors
from ingest.errors import RequestError

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
REVERT: tuple[type[RequestError], ...] = (
    *BATCH,
    *_OF_KEYS,
    errors.LimitReached,
    errors.UnsupportedEncoding,
    errors.NotRevertible,
)


def names(found: Iterable[type[RequestError]], possible: Set[int] | None) -> list[str]:
    """The names of errors, in the order of codes.

    Args:
        possible: the codes that a collection can give; None for any.
    """
    codes = {each.error_code.code: each.error_code.name for each in found}
    return [codes[code] for code in sorted(codes) if possible is None or code in possible]
