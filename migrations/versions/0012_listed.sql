-- How batches are listed. Run by 0012_listed.py.

-- An index that begins with the account serves every statement that names one, and row-level
-- security names it in all of them: where there are no statistics yet, the planner took an account
-- to have one batch, read all that it had, and kept that plan for each commit. An index that says of
-- itself what only lists ask for serves nothing else.
CREATE INDEX batches_listed ON ingest.batches (account, id) WHERE NOT withdrawn;
DROP INDEX ingest.batches_by_account;
