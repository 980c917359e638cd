"""The dialect `rpc`: document 001. An error number, its text, and which profile it was about."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ingest.dialects.answer import Answer, Context, Dialect, Document, Kind, Told
from ingest.errors import Replayed, UnknownDatabase
from ingest.model import BatchState, Failure

SUCCESS = "Successful operation"
_NOT_SAVED = "Valid, but not saved: other items are invalid"
_DROPPED = "Left out when the batch was repaired"
_MAX_TEXT = 1_000
_INVALID, _UNFINISHED = 450, 500
_WRONG_DATABASE = 413

CODES: Mapping[int, int] = MappingProxyType(
    {
        **dict.fromkeys((40001, 40002, 40003, 40004, 40005, 40501, 40801), 400),
        **dict.fromkeys((41301, 41302, 42220, 50101), 400),
        **dict.fromkeys((40101, 40102), 401),
        **dict.fromkeys((40302, 42901), 402),
        40301: 403,
        **dict.fromkeys((40403, 40404), 404),
        **dict.fromkeys((40901, 40903, 40904, 40905, 40906, 41201, 41202), 409),
        **dict.fromkeys((41501, 41502), 415),
        43501: 435,
        44101: 441,
        **dict.fromkeys(range(42201, 42211), _INVALID),
        **dict.fromkeys((40902, 50001, 50301), 500),
        **dict.fromkeys((40401, 40402), 501),
    }
)
"""The document's code for each of the service's."""
_STATUSES = {40501: 405, 42901: 429, 40902: 503, 50001: 500, 50101: 501, 50301: 503}
"""The HTTP status where it is not 200: what proxies and retries look at."""


def tell(answer: Answer, context: Context) -> Told:
    """Any answer as `error`, `error_text`, `profile_id`; what was read is in `data`.

    A call of a method has no `select`, and so no summaries.
    """
    told = _told(answer, context)
    return Told(told.status, {**(told.document or {}), **context.summaries})


DIALECT = Dialect(name="rpc", tell=tell, path="/api/v1.1/", knows_accepted=False)


def _told(answer: Answer, context: Context) -> Told:
    if answer.kind is Kind.ERROR:
        return _told_error(answer)
    if answer.kind is Kind.WRITE:
        return _told_write(answer, context)
    document = answer.document
    if "error" in document:  # of a dry run, as the next
        return _refused(document["error"]["code"], document["message"])
    if answer.failures:
        return Told(200, _batch(answer, ()))
    told: Document = {"error": 0, "error_text": document["message"]}
    if answer.kind is Kind.ITEM:
        told["error_text"] = SUCCESS
        if answer.presenter is not None and answer.row is not None:
            for key in answer.presenter.keys(b"[" + answer.row + b"]"):
                told["profile_id"] = key
    if "data" in document:
        told["data"] = document["data"]
    if answer.stored is not None:
        stored = _told(answer.stored, context)
        told["data"] |= {"response": {"status": stored.status, "body": stored.document}}
    if answer.kind is Kind.FAILURES:
        told |= {name: document[name] for name in ("metadata", "failures") if name in document}
    return Told(200, told)


def _told_error(answer: Answer) -> Told:
    error = answer.document["error"]
    if isinstance(answer.problem, Replayed):
        batch = answer.problem.batch_id
        text = f"Repeated request: it was accepted as batch {batch} and is not applied again"
    else:
        text = ". ".join(filter(None, (error["message"], error.get("description"))))
    told = _refused(error["code"], text)
    if isinstance(answer.problem, UnknownDatabase):
        told = Told(told.status, _error(_WRONG_DATABASE, text))
    return told


def _told_write(answer: Answer, context: Context) -> Told:
    if answer.outcome is None:
        raise ValueError("an answer to a write has its outcome")
    batch = answer.outcome.batch
    if batch.stopped is not None:
        return _refused(batch.stopped["code"], batch.stopped["message"])
    if not batch.state.finished:
        text = f"Batch {batch.id} was accepted and is not finished; its outcome is not known yet"
        return Told(500, _error(_UNFINISHED, text))
    keys: Sequence[str] = ()
    if answer.presenter is not None and batch.data is not None:
        keys = answer.presenter.keys(batch.data)
    if not context.single:
        return Told(200, _batch(answer, keys))
    if answer.failures:
        return Told(200, _failed(answer.failures[0]))
    return Told(200, _succeeded(keys))


def _batch(answer: Answer, keys: Sequence[str]) -> Document:
    """What became of each item, in the order of the request.

    Args:
        keys: those of the valid items, where they are known.
    """
    if answer.outcome is None:
        raise ValueError("an answer about items has its outcome")
    batch, saved = answer.outcome.batch, iter(keys)
    dropped = set(batch.dropped)
    failures = {failure.index: failure for failure in answer.failures}
    invalid = set(batch.invalid)
    codes = {CODES[failure.errors[0].code.code] for failure in answer.failures}
    code = codes.pop() if len(codes) == 1 else _INVALID
    result: list[Document] = []
    for index in range(batch.received):
        if index in failures:
            result.append(_failed(failures[index]))
        elif index in dropped:
            result.append(_error(400, _DROPPED))
        elif index in invalid:
            result.append(_error(code, f"See /v1/batches/{batch.id}/failures"))
        elif invalid and batch.state is not BatchState.COMMITTED:
            result.append(_error(400, _NOT_SAVED))
        else:
            result.append(_succeeded([key] if (key := next(saved, None)) is not None else ()))
    document = {"error": 0, "error_text": SUCCESS}
    if invalid:
        document = _error(code, answer.document["message"])
    document["result"] = result
    if len(result) == 1 and "profile_id" in result[0]:
        document["profile_id"] = result[0]["profile_id"]
    return document


def _succeeded(keys: Sequence[str]) -> Document:
    document: Document = {"error": 0, "error_text": SUCCESS}
    return document | {"profile_id": keys[0]} if len(keys) == 1 else document


def _failed(failure: Failure) -> Document:
    texts = [
        each.message if each.field is None else f"{each.field}: {each.message}"
        for each in failure.errors
    ]
    ends = [text.removesuffix(".") for text in texts[:-1]]
    return _error(CODES[failure.errors[0].code.code], "; ".join([*ends, texts[-1]]))


def _refused(code: int, text: str) -> Told:
    return Told(_STATUSES.get(code, 200), _error(CODES[code], text))


def _error(code: int, text: str) -> Document:
    return {"error": code, "error_text": text[:_MAX_TEXT]}
