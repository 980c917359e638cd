"""The service's errors: what can be wrong with a request as a whole, and with one item.

::

    IngestError
    ├── RequestError                the request as a whole could not be processed
    │   ├── MalformedBody               40001
    │   ├── InvalidParameter            40002
    │   ├── KeyRequired, InvalidKey     40003, 40004
    │   ├── FormatRequired              40005
    │   ├── TokenRequired, TokenInvalid 40101, 40102
    │   ├── NotPermitted                40301, with the right that is missing
    │   ├── LimitReached                40302, with the limit and what is left of it
    │   ├── UnknownEndpoint             40401
    │   ├── UnknownCollection           40402
    │   ├── UnknownDatabase             40402, where a number names it
    │   ├── ItemNotFound                40403
    │   ├── UnknownBatch                40404
    │   ├── MethodNotAllowed            40501
    │   ├── RequestTimeout              40801
    │   ├── Replayed, InProgress        40901, 40902
    │   ├── NotRepairable               40905
    │   ├── NotRevertible               40906
    │   ├── AttemptMismatch             41202
    │   ├── BodyTooLarge, TooManyItems  41301, 41302
    │   ├── UnsupportedMediaType        41501
    │   ├── UnsupportedEncoding         41502
    │   ├── KeyMismatch                 42220
    │   ├── RateLimited                 42901
    │   ├── AmbiguousMatch              43501
    │   ├── InternalError               50001
    │   ├── NotUnderstood               50101
    │   ├── Unavailable                 50301
    │   ├── Unreachable                 50301, the connection to the database is lost
    │   ├── NotAdmitted                 50301, the database lets the service in no more
    │   ├── ReadOnlyDatabase            50301, the database takes no writes
    │   ├── Refused                     50301, the database says that it cannot do this now
    │   ├── LockTimeout                 50301, another transaction held a lock for too long
    │   ├── TooSlow                     50301, a statement ran out of time
    │   ├── Overloaded                  50301, the backlog is as long as it may be
    │   └── OutcomeUnknown              50301, with the id of the batch in doubt
    └── ConfigurationError          a setting, a schema or an environment that cannot work

Item failures are values (`ingest.model.ItemError`), never exceptions: a batch has many of them.
Nothing here knows HTTP; a code's first three digits happen to be the status that it maps to.
"""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID


def encodable(text: str) -> str:
    """A text without lone surrogates, which schemas may have in messages and no answer can."""
    return text if text.isascii() else text.encode(errors="replace").decode()


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """A stable entry of the contract's table: `code` (int), `name`, `type`."""

    code: int
    name: str
    type: str

    def document(self, message: str, description: str | None = None, **more: Any) -> dict[str, Any]:
        """An error as answers show it and the database stores it."""
        shown: dict[str, Any] = {
            "type": self.type,
            "code": self.code,
            "name": self.name,
            "message": encodable(message),
        }
        if description is not None:
            shown["description"] = description
        return shown | more


# One item of a batch.
REQUIRED = ErrorCode(42201, "required", "validation")
NULL_NOT_ALLOWED = ErrorCode(42202, "null_not_allowed", "validation")
WRONG_TYPE = ErrorCode(42203, "wrong_type", "validation")
BAD_FORMAT = ErrorCode(42204, "bad_format", "validation")
OUT_OF_RANGE = ErrorCode(42205, "out_of_range", "validation")
BAD_LENGTH = ErrorCode(42206, "bad_length", "validation")
NOT_A_CHOICE = ErrorCode(42207, "not_a_choice", "validation")
UNKNOWN_FIELD = ErrorCode(42208, "unknown_field", "validation")
NOT_STORABLE = ErrorCode(42209, "not_storable", "validation")
INVALID = ErrorCode(42210, "invalid", "validation")
ITEM_NOT_FOUND = ErrorCode(40403, "item_not_found", "content")
DUPLICATE = ErrorCode(40903, "duplicate", "content")
DUPLICATE_IN_BATCH = ErrorCode(40904, "duplicate_in_batch", "content")
VERSION_MISMATCH = ErrorCode(41201, "version_mismatch", "content")
AMBIGUOUS_MATCH = ErrorCode(43501, "ambiguous_match", "content")
OTHER_GROUP = ErrorCode(44101, "other_group", "permission")

ITEM_CODES: dict[int, ErrorCode] = {
    entry.code: entry for entry in list(globals().values()) if isinstance(entry, ErrorCode)
}


INVALID_ITEMS = "invalid_items"
"""The name for the errors of a batch's items, where they have several names."""


class IngestError(Exception):
    """Base of every error that the service raises on purpose."""


class ConfigurationError(IngestError):
    """A setting, schema or environment that cannot work; the message says what to change."""


class RequestError(IngestError):
    """The request as a whole could not be processed.

    `message` is one sentence for a person, `description` says where and what to do about it,
    `retry_after` is in whole seconds, `batch_id` names the batch that the error is about.
    """

    error_code: ClassVar[ErrorCode]

    def __init__(
        self,
        message: str,
        description: str | None = None,
        *,
        retry_after: int | None = None,
        batch_id: UUID | None = None,
    ) -> None:
        super().__init__(message)
        self.message = encodable(message)
        self.description = None if description is None else encodable(description)
        self.retry_after = retry_after
        self.batch_id = batch_id

    def document(self) -> dict[str, Any]:
        """As answers show it, and as `batches.error` and `batches.refusal` store it."""
        return self.error_code.document(self.message, self.description)


class MalformedBody(RequestError):
    error_code = ErrorCode(40001, "malformed_body", "syntax")


class InvalidParameter(RequestError):
    error_code = ErrorCode(40002, "invalid_parameter", "client")


class KeyRequired(RequestError):
    error_code = ErrorCode(40003, "idempotency_key_required", "client")


class InvalidKey(RequestError):
    error_code = ErrorCode(40004, "invalid_idempotency_key", "client")


class FormatRequired(RequestError):
    error_code = ErrorCode(40005, "format_required", "client")


class TokenRequired(RequestError):
    error_code = ErrorCode(40101, "token_required", "permission")


class TokenInvalid(RequestError):
    error_code = ErrorCode(40102, "token_invalid", "permission")


class NotPermitted(RequestError):
    """The token may not do this; `right` is what it lacks."""

    error_code = ErrorCode(40301, "not_permitted", "permission")

    def __init__(self, message: str, description: str, *, right: str) -> None:
        super().__init__(message, description)
        self.right = right


class LimitReached(RequestError):
    """An account may hold no more items of a collection, or in all where that is `*`."""

    error_code = ErrorCode(40302, "limit_reached", "permission")

    def __init__(
        self, message: str, description: str, *, collection: str, maximum: int, left: int
    ) -> None:
        super().__init__(message, description)
        self.collection = collection
        self.maximum = maximum
        self.left = left

    def document(self) -> dict[str, Any]:
        limit = {"collection": self.collection, "maximum": self.maximum, "left": self.left}
        return super().document() | {"limit": limit}


class UnknownEndpoint(RequestError):
    error_code = ErrorCode(40401, "unknown_endpoint", "client")


class UnknownCollection(RequestError):
    error_code = ErrorCode(40402, "unknown_collection", "client")


class UnknownDatabase(UnknownCollection):
    """No collection has this number."""


class ItemNotFound(RequestError):
    error_code = ITEM_NOT_FOUND


class UnknownBatch(RequestError):
    error_code = ErrorCode(40404, "unknown_batch", "client")


class MethodNotAllowed(RequestError):
    error_code = ErrorCode(40501, "method_not_allowed", "client")


class RequestTimeout(RequestError):
    error_code = ErrorCode(40801, "request_timeout", "client")


class Replayed(RequestError):
    error_code = ErrorCode(40901, "idempotency_replayed", "client")


class InProgress(RequestError):
    error_code = ErrorCode(40902, "idempotency_in_progress", "client")


class NotRepairable(RequestError):
    """What was received of the batch is not kept, or no longer fits the collection."""

    error_code = ErrorCode(40905, "not_repairable", "client")


class NotRevertible(RequestError):
    """The batch saved nothing, or what it changed is not kept as it was before."""

    error_code = ErrorCode(40906, "not_revertible", "client")


class AttemptMismatch(RequestError):
    """The batch has been repaired since it was read."""

    error_code = ErrorCode(41202, "attempt_mismatch", "client")


class BodyTooLarge(RequestError):
    error_code = ErrorCode(41301, "body_too_large", "client")


class TooManyItems(RequestError):
    error_code = ErrorCode(41302, "too_many_items", "client")


class UnsupportedMediaType(RequestError):
    error_code = ErrorCode(41501, "unsupported_media_type", "client")


class UnsupportedEncoding(RequestError):
    error_code = ErrorCode(41502, "unsupported_encoding", "client")


class KeyMismatch(RequestError):
    error_code = ErrorCode(42220, "idempotency_mismatch", "client")


class RateLimited(RequestError):
    error_code = ErrorCode(42901, "rate_limited", "client")


class AmbiguousMatch(RequestError):
    error_code = AMBIGUOUS_MATCH


class InternalError(RequestError):
    error_code = ErrorCode(50001, "internal_error", "system")


class NotUnderstood(RequestError):
    """The request needs what no server has to offer, and this one does not."""

    error_code = ErrorCode(50101, "not_implemented", "client")


class Unavailable(RequestError):
    error_code = ErrorCode(50301, "unavailable", "system")


class Unreachable(Unavailable):
    """The database cannot be connected to, or the connection was lost.

    `reason` is for the operator: what the database does, such as "does not answer".
    """

    def __init__(
        self, message: str, *about: Any, reason: str = "closed the connection", **more: Any
    ) -> None:
        super().__init__(message, *about, **more)
        self.reason = reason


class NotAdmitted(Unreachable):
    """The database answers, and does not let the service in."""


class ReadOnlyDatabase(Unavailable):
    """The database takes no writes: it is a standby, or was set to be read-only."""


class Refused(Unavailable):
    """The database says that it cannot do this now: a deadlock, no room, too little memory."""


class LockTimeout(Unavailable):
    """Another transaction held a lock for longer than a statement may wait."""


class TooSlow(Unavailable):
    """A statement took longer than it may, and not because it waited for a lock."""


class Overloaded(Unavailable):
    """Too much of what was accepted is unfinished for more to be accepted."""


class OutcomeUnknown(Unavailable):
    """The connection was lost during the COMMIT that accepts, and the batch cannot be looked up."""


def request_errors(base: type[RequestError] = RequestError) -> dict[ErrorCode, type[RequestError]]:
    """The class that each code of a whole request belongs to."""
    found = dict[ErrorCode, type[RequestError]]()
    for each in base.__subclasses__():
        found |= request_errors(each) | {each.error_code: each}
    return found
