"""SQL that keeps what changed or deleted items were before, in the statement that changes them.

An image is the whole row, as JSON by column. Those of a batch are kept in chunks of about a
megabyte, in the order of its items, so that they cost few rows and no value becomes too long.
"""

from ingest.model import Action
from ingest.store.statements.parts import Parts

_CHUNK_BITS = 20  # of a chunk's bytes


class Images(Parts):
    """The parts of `apply` that keep images, where the options of its batches say so."""

    def _before(self) -> str:
        """UPDATE returns what it has written, so its images are made where rows are looked up."""
        if not self.options.undo or self.action is Action.DELETE:
            return ""
        return ', row_to_json(t)::text AS "$image", t."$batch" AS "$writer"'

    def _image(self) -> str:
        """RETURNING: the image of a row `t` that is deleted."""
        if not self.options.undo:
            return ""
        return ', row_to_json(t)::text AS "$image", t."$batch" AS "$writer"'

    def _kept_image(self) -> str:
        """RETURNING: that of the row of item `g`, which is changed."""
        return ', g."$image", g."$writer"' if self.options.undo else ""

    def _images(self, *, updated: bool, deleted: bool) -> list[str]:
        """What keeps those of the rows of `updated` and `deleted`."""
        if not self.options.undo or not (updated or deleted):
            return []
        sources = []
        if updated:
            sources.append('SELECT "$batch", "$n", false, "$image", "$writer" FROM updated')
        if deleted:
            sources.append('SELECT "$by", "$n", true, "$image", "$writer" FROM deleted')
        every = "\n        UNION ALL ".join(sources)
        return [
            f"""images AS (
    INSERT INTO ingest.before_images (batch, deleted, chunk, account, bytes, writers, images)
    SELECT s.batch, s.deleted, s.chunk, $2, sum(octet_length(s.image)),
        array_agg(DISTINCT s.writer),
        '[' || string_agg(s.image, ',' ORDER BY s.n) || ']'
    FROM (
        SELECT i.*, sum(octet_length(i.image)) OVER (PARTITION BY i.batch, i.deleted ORDER BY i.n)
            >> {_CHUNK_BITS} AS chunk
        FROM ({every}) i(batch, n, deleted, image, writer)
    ) s
    GROUP BY s.batch, s.deleted, s.chunk
)"""
        ]
