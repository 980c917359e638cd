"""What each error means and what to do about it: one text for each name of `ingest.errors`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ingest.errors import INVALID_ITEMS


class Help(NamedTuple):
    """Plain text, in whole sentences."""

    meaning: str
    remedy: str


_REQUESTS = {
    "malformed_body": Help(
        "The body cannot be read: there is none, or it is not what its media type says.",
        "Check the body at the place that the message names, and the Content-Type header.",
    ),
    "invalid_parameter": Help(
        "A query parameter or a header is not known here, is given twice, or has a value that it "
        "cannot have.",
        "Correct the parameter that the message names.",
    ),
    "idempotency_key_required": Help(
        "Writes to this collection need an Idempotency-Key header, and there is none.",
        "Send a new key with each write, and the same key when you repeat that write.",
    ),
    "invalid_idempotency_key": Help(
        "The Idempotency-Key header is no key, or is there more than once.",
        "Send one key of 1 to 255 visible ASCII characters; a UUID will do.",
    ),
    "format_required": Help(
        "The path does not end with the format of the answer. Nothing was read or saved.",
        "Add .json, .xml or .yaml to the path, also where a key in it has a dot of its own.",
    ),
    "token_required": Help(
        "The request has no token.",
        "Send the header Authorization: Bearer TOKEN.",
    ),
    "token_invalid": Help(
        "The token is not known, has expired, or was revoked.",
        "Use another token. An operator makes one with `ingest token create`.",
    ),
    "not_permitted": Help(
        "The token is valid, but its role lacks the right that the message names.",
        "Use a token with that right, or have the role extended.",
    ),
    "limit_reached": Help(
        "The account may hold no more items. Nothing of the batch was saved.",
        "Delete items, send fewer new ones, or have the limit raised.",
    ),
    "unknown_endpoint": Help(
        "There is nothing at this path.",
        "Check the path: collections are at /v1/{collection}, items at /v1/{collection}/{key}.",
    ),
    "unknown_collection": Help(
        "The service has no collection of this name.",
        "Use one of the collections that the answer lists.",
    ),
    "unknown_batch": Help(
        "The account has no batch of this id, or the token may not see it.",
        "Use the id from `metadata.batchId` or the Location header of the write.",
    ),
    "method_not_allowed": Help(
        "The path exists, but not for this HTTP method.",
        "Use one of the methods in the Allow header.",
    ),
    "request_timeout": Help(
        "The body arrived too slowly. Nothing was saved.",
        "Send it again; split it into several requests if the connection is slow.",
    ),
    "idempotency_replayed": Help(
        "This key came before, with the same request, and that batch was accepted. Nothing was "
        "written again.",
        "Read the outcome at the Location header, or repeat with Prefer: replay=return.",
    ),
    "idempotency_in_progress": Help(
        "A request with this key is being processed now.",
        "Wait as long as the Retry-After header says, and repeat the request with the same key.",
    ),
    "not_repairable": Help(
        "The batch is not kept to be repaired: it was accepted, was given up, has expired, or was "
        "sent without Prefer: repair=keep.",
        "Read the batch at the Location header; send the corrected items as a new batch.",
    ),
    "not_revertible": Help(
        "The batch cannot be undone: it saved nothing, it finished too long ago, or what items "
        "were before it is not kept.",
        "Read the batch at the Location header; send what the items are to be as a new batch.",
    ),
    "attempt_mismatch": Help(
        "The batch has been repaired since you read it: If-Match names an earlier attempt.",
        "Read the batch and its failures again, and repeat with its new attempt.",
    ),
    "body_too_large": Help(
        "The decompressed body is larger than the service takes.",
        "Send the items in several requests, or as NDJSON or CSV, which may be larger.",
    ),
    "too_many_items": Help(
        "The body has more items than one request may have in this format.",
        "Send the items in several requests, or as NDJSON or CSV, which may have any number.",
    ),
    "unsupported_media_type": Help(
        "The service does not read bodies of this Content-Type.",
        "Send JSON, NDJSON, CSV, XML or YAML, and name it in the Content-Type header.",
    ),
    "unsupported_encoding": Help(
        "The service does not know this Content-Encoding.",
        "Use gzip, deflate or zstd, or send the body as it is.",
    ),
    "idempotency_mismatch": Help(
        "This key came before, with another request.",
        "Use a new key for a new request, and repeat a request without any change.",
    ),
    "rate_limited": Help(
        "The account or the token has sent more than its rate allows for now.",
        "Wait as long as the Retry-After header says; RateLimit headers show what is left.",
    ),
    "internal_error": Help(
        "The service has failed. It is not the fault of the request.",
        "Repeat the request with its idempotency key. Report the X-Trace-Id if it happens again.",
    ),
    "not_implemented": Help(
        "The body has a transfer coding other than chunked, which the service does not undo.",
        "Send the body as it is or chunked; a compressed one has a Content-Encoding header.",
    ),
    "unavailable": Help(
        "The service, or its database, cannot process the request now.",
        "Wait as long as the Retry-After header says, and repeat the request with its idempotency "
        "key.",
    ),
}
_ITEMS = {
    INVALID_ITEMS: Help(
        "Items of the batch are invalid, for several reasons. Each failure lists the errors of one "
        "item.",
        "Correct the items that the failures name, and send the batch again.",
    ),
    "required": Help(
        "A required field is missing.",
        "Send the field with a value.",
    ),
    "null_not_allowed": Help(
        "The field is null, and may not be.",
        "Send a value, or leave the field out if it is not required.",
    ),
    "wrong_type": Help(
        "The value has another type than the field.",
        "Send the type that the message names, such as a number or a list.",
    ),
    "bad_format": Help(
        "The text is not in the form of the field: no e-mail address, URL, UUID, date or time, or "
        "it does not match the field's pattern.",
        "Correct the text as the message says.",
    ),
    "out_of_range": Help(
        "The number or the time is below the least or above the greatest allowed value.",
        "Send a value within the bounds that the message names.",
    ),
    "bad_length": Help(
        "The text or the list is too short or too long.",
        "Send a value of the length that the message names.",
    ),
    "not_a_choice": Help(
        "The value is none of those that the field can have.",
        "Send one of the choices that the message lists.",
    ),
    "unknown_field": Help(
        "The collection has no such field, or clients may not send it.",
        "Leave the field out, or correct its name.",
    ),
    "not_storable": Help(
        "The database cannot hold the value: a NUL character, a number beyond 64 bits, or a time "
        "without an offset.",
        "Send a value that it can hold; the description of the error says which.",
    ),
    "invalid": Help(
        "A rule of the collection that has no code of its own refuses the item.",
        "Correct the item as the message says.",
    ),
    "item_not_found": Help(
        "No item has this key, or this value of the field that finds it.",
        "Check the key. Use POST to create an item.",
    ),
    "duplicate": Help(
        "Another stored item has the same key or the same unique attributes.",
        "Update that item instead, or create with Prefer: resolution=merge-duplicates.",
    ),
    "duplicate_in_batch": Help(
        "Another item of the same batch has the same key or the same unique attributes.",
        "Send the item once.",
    ),
    "version_mismatch": Help(
        "The item has changed since you read it, or is gone.",
        "Read it again with select=meta, and repeat the change with its new version.",
    ),
    "ambiguous_match": Help(
        "Several stored items have this value of the field that finds them.",
        "Name the item by its key, or by a field that is unique.",
    ),
    "other_group": Help(
        "The item belongs to a group that the token is not confined to.",
        "Use a token of that group.",
    ),
}
HELP: Mapping[str, Help] = MappingProxyType(_REQUESTS | _ITEMS)
"""By the names of errors, and of what stands for several errors of items."""
