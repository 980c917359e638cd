"""The settings of a process, and what they may be; `ingest.environment` reads them.

docs/settings.md lists them, and a test keeps it complete.
"""

import math
import re
from dataclasses import dataclass, fields
from typing import Literal
from urllib.parse import urlsplit

from ingest.errors import ConfigurationError

EXAMPLES = "ingest.examples"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an API process or a worker needs to know. Sizes in bytes, times in seconds."""

    database_url: str
    """PostgreSQL; the login must be a member of the role `ingest_app` (or a superuser)."""
    redis_url: str
    """Redis 6.2 or later, or Valkey."""
    database_password: str = ""
    """That of the login in `database_url`, as it is and not percent-encoded; the URL holds it once
    it is read."""
    redis_password: str = ""
    """The same for `redis_url`."""
    resources: str = EXAMPLES
    """A module (`crm`) or a file (`./crm.py`) with the `Resource`s to serve."""

    host: str = "127.0.0.1"
    port: int = 8080
    reuse_port: bool = False
    """Let several API processes listen on one port (`SO_REUSEPORT`)."""
    processes: int = 1
    """How many API processes `ingest serve` runs."""
    worker_metrics_port: int = 0
    """Where a worker answers `GET /metrics`; 0 is nowhere."""

    public_url: str = ""
    """Where clients reach the service, such as `https://api.example.com`; empty for each request's
    own host. Links in answers begin with it."""
    docs: Literal["public", "token", "off"] = "public"
    """Who reads the pages and documents that describe the collections: everyone, those who have a
    token, or no one. The pages of errors say nothing of collections, and are for everyone."""
    allowed_hosts: str = ""
    """The names that requests may be for, separated by commas; empty for any."""
    trusted_proxies: str = ""
    """Addresses and networks whose `X-Forwarded-For` is believed, separated by commas."""

    read_only: bool = False
    """Answer reads only; the database may be a hot standby."""
    write_url: str = ""
    """Where clients send their writes instead; the refusal names it."""

    max_body: int = 16 * 1024 * 1024
    """The largest decompressed body."""
    max_unknown_body: int = 1024 * 1024
    """The largest body that is read to find the token in it."""
    max_items: int = 10_000
    """The most items of one request; NDJSON and CSV may have any number."""
    max_stream: int = 1024 * 1024 * 1024
    """The largest decompressed body of NDJSON or CSV."""
    stream_pace: int = 64 * 1024
    """Bytes a second (decompressed, over each `body_timeout`) at which such a body must arrive."""
    answer_pace: int = 64 * 1024
    """Bytes a second (over each `body_timeout`) at which an answer must be read."""
    max_nesting: int = 32
    """How deep arrays and objects of a body may nest, the outermost array included."""
    max_values: int = 100_000
    """The most values that one item may hold, in objects and arrays of any depth."""
    max_digits: int = 1_000
    """The most digits of a number, written out: 1E+1000 has 1,001."""
    max_answer: int = 16 * 1024 * 1024
    """The most bytes of items, or of failures, in one response; and of the items of an answer that
    are kept with its batch."""
    max_failures: int = 1_000
    """The most failures in one response."""
    body_timeout: float = 30.0
    """How long a client may take to send a body; a stream only has to keep its pace."""
    wait: float = 10.0
    """How long a response waits for the commit, unless the request says otherwise."""
    max_wait: float = 60.0
    """The longest wait that a request may ask for."""
    max_backlog_items: int = 2_000_000
    """How many items may be accepted and unfinished before writes are refused."""
    max_backlog_bytes: int = 1024 * 1024 * 1024
    """How large their staged payloads may be together before writes are refused."""

    account_share: float = 0.8
    """The part of it, and of the memory and places for long bodies, that one account may hold."""

    rate_limit: str = ""
    """The most items that one token may send in a time, such as `50000/second`; empty for any."""
    account_rate_limit: str = ""
    """The same for all tokens of an account together."""
    max_concurrent: int = 1_000
    """The most requests of one token that one process works on side by side."""

    idempotency_ttl: float = 24 * 3600.0
    """How long a used idempotency key is kept."""
    idempotency_lease: float = 3.0
    """How long a key stays taken after the process died that held it; renewed while it lives."""
    idempotency_required: bool = False
    """Refuse writes without an `Idempotency-Key`."""
    rpc_repeat: float = 600.0
    """How long a modifying request of the dialect `rpc` is refused when it is repeated."""
    replay: Literal["reject", "return"] = "reject"
    """What a replayed write gets: 409, or the outcome of the original."""

    database_pool: int = 10
    """The most database connections of one process."""
    database_timeout: float = 10.0
    """How long an API process waits for one statement."""
    statement_cache: int = 100
    """Prepared statements kept for each connection; 0 behind PgBouncer."""
    redis_timeout: float = 1.0
    """How long one Redis call may take."""

    commit_timeout: float = 60.0
    """How long the statements of one commit may take, before what grows with its items."""
    max_attempts: int = 5
    """How often a commit that fails for a reason of the service's own is tried."""
    worker_jobs: int = 8
    """How many jobs one worker runs side by side."""
    poll_delay: float = 0.1
    """How often a worker polls its queue, besides being woken by rings."""
    sweep_interval: float = 1.0
    """How often a worker looks for accepted batches that are not finished."""
    sweep_after: float = 2.0
    """How old an accepted batch is when it is rung again."""
    shutdown_timeout: float = 30.0
    """How long a process may take to finish what it has."""

    payload_ttl: float = 3600.0
    """How long the staged items of a finished batch are kept."""
    batch_ttl: float = 30 * 24 * 3600.0
    """How long a finished batch is kept that no stored item names, and failures of any batch."""
    repair: Literal["off", "keep"] = "off"
    """Whether what was received of a strict batch that is refused for its items is kept to be
    repaired in place, though the request does not ask for it."""
    repair_ttl: float = 7 * 24 * 3600.0
    """How long that is kept."""
    revert_ttl: float = 7 * 24 * 3600.0
    """How long a batch can be undone, and before-images are kept for that; 0 for never."""
    revert_max_bytes: int = 8 * 1024**3
    """The most bytes of before-images that are kept of one account: the oldest go first."""
    retention_interval: float = 10.0
    """How often a worker looks for what has expired."""
    retention_step: int = 100
    """The most batches of one kind that one step of the retention touches."""

    log_level: str = "INFO"
    log_format: Literal["json", "console"] = "json"

    @property
    def most_kept(self) -> int:
        """The most bytes that one account may keep to be repaired: its share of the backlog's."""
        return max(1, int(self.account_share * self.max_backlog_bytes))


_REDIS = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")
_HOST = r"(\[[0-9A-Fa-f:.]+\]|[^@/?#,:\[\]]+)(:[0-9]{1,5})?"
_SENTINELS = re.compile(
    rf"rediss?\+sentinel://([^@/?#]*@)?{_HOST}(,{_HOST})*/[^/?#]+(/[0-9]+)?/?(\?.*)?"
)
_WEB_URL = re.compile(r"[A-Za-z0-9:/._~%!$&()*+,;=\[\]-]+")
_SHARES = {"account_share"}
_PORTS, _LAST_PORT = {"port", "worker_metrics_port"}, 65535
_MAY_BE_ZERO = {"statement_cache", "wait", "port", "worker_metrics_port", "revert_ttl"}


def _check_url(name: str, url: str, schemes: tuple[str, ...]) -> None:
    """Refuse what is no URL of these schemes; an empty one is for commands that need none."""
    if not url:
        return
    try:
        parts = urlsplit(url)
        # PostgreSQL's may name several hosts, and sentinels are several.
        places = parts.netloc.rpartition("@")[2].split(",")
        known = parts.scheme in schemes and all(urlsplit(f"//{each}").port != 0 for each in places)
        if parts.scheme.endswith("+sentinel"):
            known = known and _SENTINELS.fullmatch(url) is not None
    except ValueError:
        known = False
    if not known:
        # The URL itself is not shown: it may hold a password.
        sentinels = url.partition("://")[0].endswith("+sentinel")
        rest = "+sentinel://one:port,two:port/NAME/0" if sentinels else "://host:port/name"
        raise ConfigurationError(f"{name} is not a URL such as {schemes[0]}{rest}")


def _check_web_url(name: str, url: str) -> None:
    """Refuse what is no address that a browser could open, and a path could be added to."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if url and not (known and _WEB_URL.fullmatch(url)):
        raise ConfigurationError(f"{name} is not a URL such as https://api.example.com")


def check_database_url(name: str, url: str) -> None:
    """Raise `ConfigurationError`, which names the variable, where it is no URL of PostgreSQL."""
    _check_url(name, url, ("postgresql", "postgres"))


def checked(settings: Settings) -> Settings:
    """The same settings.

    Raises:
        ConfigurationError: one of them cannot be; it is named.
    """
    check_database_url("INGEST_DATABASE_URL", settings.database_url)
    _check_url("INGEST_REDIS_URL", settings.redis_url, _REDIS)
    _check_web_url("INGEST_PUBLIC_URL", settings.public_url)
    _check_web_url("INGEST_WRITE_URL", settings.write_url)
    if not settings.host:
        raise ConfigurationError(
            "--host is empty; name the address to listen on, 0.0.0.0 for every interface"
        )
    for field in fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if not math.isfinite(value):
            raise ConfigurationError(f"INGEST_{field.name.upper()} must be a finite number")
        if value < 0 or (value == 0 and field.name not in _MAY_BE_ZERO):
            raise ConfigurationError(f"INGEST_{field.name.upper()} must be greater than 0")
        if field.name in _SHARES and value > 1:
            raise ConfigurationError(f"INGEST_{field.name.upper()} must be at most 1")
        if field.name in _PORTS and value > _LAST_PORT:
            raise ConfigurationError(f"INGEST_{field.name.upper()} must be at most {_LAST_PORT}")
    return settings
