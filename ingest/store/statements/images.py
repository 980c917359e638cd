"""SQL that keeps what changed or deleted items were before, in the statement that changes them.

An image is the whole row, as the table has it. Those of a batch are kept as arrays of about a
megabyte, in the order of its items: to copy a row costs next to nothing, and to insert few arrays
costs less than to insert many rows.
"""

from ingest.model import Action
from ingest.store.statements.parts import Parts
from ingest.store.tables import images_name

_CHUNK_BITS = 20  # of a chunk's bytes


class Images(Parts):
    """The parts of `apply` that keep images, where the options of its batches say so."""

    @property
    def _row(self) -> str:
        """The row `t` as one value: a bare `t` is a field of that name, where there is one."""
        return f"(t.*)::{self.table}"

    @property
    def whole(self) -> str:
        """UPDATE returns what it has written, so its images are taken where rows are looked up."""
        images = self.options.undo and self.action is not Action.DELETE
        return f', {self._row} AS "$image"' if images else ""

    def _before(self) -> str:
        return ', t."$image", t."$batch" AS "$writer"' if self.whole else ""

    def _image(self) -> str:
        """RETURNING: the image of a row `t` that is deleted."""
        return f', {self._row} AS "$image", t."$batch" AS "$writer"' if self.options.undo else ""

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
            f"""imaged AS MATERIALIZED (
    SELECT s.batch, s.deleted, s.chunk, sum(s.size) AS bytes,
        array_agg(DISTINCT s.writer) AS writers, array_agg(s.image ORDER BY s.n) AS images
    FROM (
        SELECT i.*, sum(i.size) OVER (PARTITION BY i.batch, i.deleted ORDER BY i.n)
            >> {_CHUNK_BITS} AS chunk
        FROM (
            SELECT e.*, pg_column_size(e.image) AS size
            FROM ({every}) e(batch, n, deleted, image, writer)
        ) i
    ) s
    GROUP BY s.batch, s.deleted, s.chunk
)""",
            f"""images AS (
    INSERT INTO {images_name(self.resource)} (batch, deleted, chunk, account, images)
    SELECT i.batch, i.deleted, i.chunk, $2, i.images FROM imaged i
)""",
            """image_chunks AS (
    INSERT INTO ingest.before_images (batch, deleted, chunk, account, collection, bytes, writers)
    SELECT i.batch, i.deleted, i.chunk, $2, $3, i.bytes, i.writers FROM imaged i
)""",
        ]
