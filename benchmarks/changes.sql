-- Three changes of each client of :organization: its creation and two updates.
INSERT INTO client_changes (organization_id, client_id, version, action, actor, at, before, after)
SELECT organization_id, id, n, CASE n WHEN 1 THEN 'created' ELSE 'updated' END, 'benchmark', created_at + n * interval '1 hour',
    CASE WHEN n > 1 THEN jsonb_build_object('note', 'change ' || n - 1) END,
    jsonb_build_object('name', name, 'email', email, 'city', city, 'note', 'change ' || n)
FROM clients, generate_series(1, 3) n
WHERE organization_id = :organization
ORDER BY n, id;
