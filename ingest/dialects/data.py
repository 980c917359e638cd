"""The dialect `data`, document 004: all that is answered is in `data`, in the shape of the request.

One object is answered with one object and an array with an array. Lists have `pagination`. The
closed list of statuses is 200, 201, 400, 401, 403, 429 and 500; 202, which the document does not
know, is for a batch that is not committed when the wait is over.
"""

from typing import Any

from ingest.dialects.answer import Answer, Context, Dialect, Document, Kind, Told
from ingest.errors import AMBIGUOUS_MATCH, INVALID, OTHER_GROUP, Unavailable
from ingest.exactjson import dump_exact, load_exact
from ingest.model import Action

_INVALID, _FORBIDDEN, _THROTTLED, _FAILED = 400, 403, 429, 500

STATUSES = {
    **dict.fromkeys((40001, 40002, 40003, 40004, 40005), _INVALID),
    40101: 401,
    40102: _FORBIDDEN,
    40301: _FORBIDDEN,
    40302: _FORBIDDEN,
    **dict.fromkeys((40401, 40402, 40403, 40404, 40501, 40801), _INVALID),
    **dict.fromkeys((40901, 40903, 40904, 40905, 40906, 41201, 41202), _INVALID),
    40902: _THROTTLED,
    **dict.fromkeys((41301, 41302, 41501, 41502), _INVALID),
    **dict.fromkeys(range(42201, 42211), _INVALID),
    42220: _INVALID,
    42901: _THROTTLED,
    AMBIGUOUS_MATCH.code: _INVALID,
    OTHER_GROUP.code: _FORBIDDEN,
    50001: _FAILED,
    50101: _INVALID,
    50301: _FAILED,
}
"""The status of each code; 50301 is 429 where it says when to try again."""


def tell(answer: Answer, context: Context) -> Told:
    """The answer inside `data`, which is null where there is nothing to show."""
    document = answer.document
    failed = document["result"] in ("failure", "error")
    told: Document = {"data": None if failed else _data(answer, context)}
    if failed:
        told["error"] = document.get("error") or _error(answer)
    if answer.paging is not None:
        paging = answer.paging
        told["pagination"] = {
            "total": paging.total,
            "limit": paging.limit,
            "offset": paging.offset,
        }
    # What was saved speaks for itself; of the rest, the indices and the batch are needed.
    if answer.kind is Kind.FAILURES:
        told["metadata"] = document["metadata"]
    elif answer.kind is Kind.DRY_RUN or not answer.saved_all:
        told |= {name: document[name] for name in ("metadata", "failures") if name in document}
    if context.notifications:
        told["notifications"] = list(context.notifications)
    return Told(_status(answer), {**told, **context.summaries})


def _data(answer: Answer, context: Context) -> Any:
    data: Any = answer.document.get("failures" if answer.kind is Kind.FAILURES else "data")
    if answer.stored is not None:
        stored = tell(answer.stored, Context())
        return {**data, "response": {"status": stored.status, "body": stored.document}}
    if answer.kind is Kind.WRITE and context.single and data is not None:
        # Rows may be text that the database wrote; one of them is read for little.
        return next(iter(load_exact(dump_exact(data))), None)
    return data


def _error(answer: Answer) -> Document:
    """The first error of the first bad item, and what became of all of them."""
    code = answer.failures[0].errors[0].code if answer.failures else INVALID
    return code.document(answer.document["message"])


def _status(answer: Answer) -> int:
    match answer.document["result"]:
        case "partial":
            created = answer.outcome is not None and answer.outcome.batch.action is Action.CREATE
            return 201 if created else 200
        case "failure":
            codes = {error.code for failure in answer.failures for error in failure.errors}
            return _FORBIDDEN if codes == {OTHER_GROUP} else _INVALID
        case "error":
            problem = answer.problem
            if isinstance(problem, Unavailable) and problem.retry_after is not None:
                return _THROTTLED
            return STATUSES[answer.codes[0]]
        case _:
            return answer.status


DIALECT = Dialect(name="data", tell=tell, puts=True)
