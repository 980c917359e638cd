-- name: confined
-- Who may see the rows of every account where this login may not: the roles of the policies that an
-- operator works by. No row where it may, or where nothing is migrated.
SELECT current_user AS login,
       (SELECT string_agg(DISTINCT quote_ident(rolname), ', ')
        FROM pg_catalog.pg_roles WHERE oid = ANY (p.polroles)) AS operators
FROM pg_catalog.pg_policy p
JOIN pg_catalog.pg_class t ON t.oid = p.polrelid
WHERE t.relnamespace = to_regnamespace('ingest') AND p.polname = 'operator'
  AND row_security_active(t.oid)
  AND NOT EXISTS (SELECT FROM unnest(p.polroles) role
                  WHERE role = 0 OR pg_has_role(current_user, role, 'USAGE'))
LIMIT 1
