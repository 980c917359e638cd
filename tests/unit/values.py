"""Documents of JSON values, for Hypothesis."""

from hypothesis import strategies as st

from ingest.exactjson import dump_exact, load_exact

# What one format or another would take for something else than text.
AMBIGUOUS = [
    "", "\u0000", "\u0001", "\ufffe", "\u0085\u2028", "\r\n", "\r", "x\n",
    " x", "\ufeffx", "\t", "no", "NO", "null", "~", "true",
    "5", "1e5", "0o17", "0x1F", "1_000", "0123", "2026-11-22", "12:30:45",
    ".inf", ".5", "+5", "<<", "=", "- a", "# c", "&a",
    "*a", "!t", "'", "\"", "a: b", "[", "{", "%",
    "@", "`", "item", "]]>", "&amp;", "?",
]  # fmt: skip
SAYABLE = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"))
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(AMBIGUOUS)
NUMBERS = (
    st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30)
)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SAYABLE, inner, max_size=4),
    max_leaves=12,
).map(lambda document: load_exact(dump_exact(document)))
