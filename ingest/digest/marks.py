"""What stands in the place of a value, or of an item, that there is not."""

from enum import Enum


class Mark(Enum):
    """What a transform gives where it gives no item."""

    UNLIKE = "it does not look like the cause"
    LOST = "it does, and what it was cannot be had back from it"
    LEFT_OUT = "the item is none: it is to be left out"
    ABSENT = "there is no value"


UNLIKE, LOST, LEFT_OUT, ABSENT = Mark.UNLIKE, Mark.LOST, Mark.LEFT_OUT, Mark.ABSENT
