"""The texts in which GET shows values that are no JSON of their own, as patterns of ECMA 262.

Each is exact: what it matches is what the field loads in that form, February 29 included.
"""

_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_DATE = (
    "(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    f"|{_LEAP_YEAR}-02-29)"
)
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_OFFSET = r"(?:Z|[+\-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"

DATE = f"^{_DATE}$"
TIME = f"^{_TIME}$"
TIME_MAYBE_WITH_OFFSET = f"^{_TIME}{_OFFSET}?$"
NAIVE = f"^{_DATE}T{_TIME}$"
AWARE = f"^{_DATE}T{_TIME}{_OFFSET}$"
EITHER = f"^{_DATE}T{_TIME}{_OFFSET}?$"
RFC_822 = (
    rf"^{_DAY}, (?:0[1-9]|[12][0-9]|3[01]) {_MONTH} [0-9]{{4}} "
    r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9] [+\-][0-9]{4}$"
)
UUID = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
IPV4 = rf"^{_BYTE}(?:\.{_BYTE}){{3}}$"
IPV4_INTERFACE = rf"^{_BYTE}(?:\.{_BYTE}){{3}}(?:\/(?:3[0-2]|[12]?[0-9]))?$"
_IPV6 = r"[0-9a-fA-F:.]+(?:%[^%\/]+)?"
IPV6 = f"^{_IPV6}$"
"""All of them, and more; as are the next."""
IP = IPV6
IPV6_INTERFACE = rf"^{_IPV6}(?:\/(?:12[0-8]|1[01][0-9]|[1-9]?[0-9]))?$"
IP_INTERFACE = IPV6_INTERFACE
INTEGER = r"^-?[0-9]{1,19}$"
DECIMAL = r"^-?[0-9]+(?:\.[0-9]+)?$"
