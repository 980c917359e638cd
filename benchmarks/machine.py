"""What the figures were measured on."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = (
    "ingest-service",
    "aiohttp",
    "marshmallow",
    "asyncpg",
    "fastapi",
    "pydantic",
    "sqlalchemy",
    "django",
    "djangorestframework",
    "starlette",
    "uvicorn",
    "kinto",
)


def describe() -> dict[str, Any]:
    """The processor, the interpreter, the versions of what is compared, how busy the machine is."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "loadAverage": round(os.getloadavg()[0], 2),
        "versions": {name: _version(name) for name in _PACKAGES},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
