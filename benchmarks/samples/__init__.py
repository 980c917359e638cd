"""What the benchmarks send: three kinds of items, each with its resource and the peers' table.

`people` is what users really send, and what every claim is about. `contacts` is kinder: it has no
UUID, no time and no float. `generated` follows a schema that is drawn from a seed, so that nothing
can be tuned to it.
"""

from benchmarks.samples import contacts, generated, people

PEOPLE, CONTACTS, GENERATED = "people", "contacts", "generated"
SAMPLES = {each.collection: each for each in (people.SAMPLE, contacts.SAMPLE, generated.SAMPLE)}
"""By collection."""
