INSERT INTO organizations (id, name, created_at)
SELECT lpad(to_hex(i), 24, '0'), 'Organization ' || i, timestamptz '2026-01-01' + i * interval '1 second'
FROM generate_series(1, :organizations) i;

INSERT INTO clients (
    id, organization_id, name, address, address2, city, zip, country, tax_number, company_number, contact, note, iban,
    bank, swift, website, email, phone, business_type, country_alpha2_code, custom, tax_subject, is_end_customer,
    created_at, updated_at
)
SELECT lpad(to_hex(i), 24, '0'), lpad(to_hex(1 + i % :organizations), 24, '0'), 'Client ' || i || ' Ltd',
    i || ' Main Street', 'Floor ' || i % 9, (ARRAY['Ljubljana', 'Maribor', 'Graz', 'Trieste', 'Zagreb'])[1 + i % 5],
    (1000 + i % 9000)::text, (ARRAY['Slovenia', 'Austria', 'Italy'])[1 + i % 3], 'SI' || 10000000 + i,
    (2000000 + i)::text, 'Jane ' || i, 'note ' || i, 'SI5619100000' || 1000000 + i, 'NLB', 'LJBASI2X',
    'https://c' || i || '.example', 'c' || i || '@example.com', '+38640' || 100000 + i, 'company', 'SI', '{}', false,
    false, timestamptz '2026-02-01' + i * interval '1 second', timestamptz '2026-02-01' + i * interval '1 second'
FROM generate_series(1, :clients) i;

INSERT INTO client_totals (organization_id, slot, n) SELECT organization_id, 0, count(*) FROM clients GROUP BY 1;
