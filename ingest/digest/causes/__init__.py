"""The causes that are looked for, in this order: where two explain as much, the first is shown."""

from collections.abc import Sequence

from ingest.digest.cause import Propose
from ingest.digest.causes import (
    blanks,
    choice_case,
    day_month_order,
    decimal_comma,
    extra_cells,
    lost_zeros,
    mojibake,
    nothing,
    repeated_header,
    rounded_numbers,
    shifted_columns,
    spreadsheet_errors,
    swapped_columns,
    thousands,
    totals_row,
    wrong_collection,
    zero_decimals,
)

CAUSES_OF_ROWS: Sequence[Propose] = (extra_cells.propose,)
"""Those of rows that are no items."""
CAUSES: Sequence[Propose] = (
    repeated_header.propose,
    totals_row.propose,
    wrong_collection.propose,
    swapped_columns.propose,
    shifted_columns.propose,
    spreadsheet_errors.propose,
    nothing.propose,
    blanks.propose,
    choice_case.propose,
    decimal_comma.propose,
    thousands.propose,
    zero_decimals.propose,
    *day_month_order.PROPOSALS,
    lost_zeros.propose,
    rounded_numbers.propose,
    mojibake.propose,
)
