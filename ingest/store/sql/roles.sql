-- name: create_role
INSERT INTO ingest.roles (name) VALUES ($1)

-- name: allow
INSERT INTO ingest.role_rights (role, collection, rights) VALUES ($1, $2, $3)

-- name: list_roles
SELECT r.name, r.built_in, r.created_at,
       (SELECT coalesce(json_object_agg(a.collection, a.rights ORDER BY a.collection), '{}')
        FROM ingest.role_rights a WHERE a.role = r.name) AS rights
FROM ingest.roles r
ORDER BY r.built_in DESC, r.name

-- name: delete_role
DELETE FROM ingest.roles WHERE name = $1 AND NOT built_in RETURNING name
