-- One organization of :clients clients, with hits for each shape of search: half of them in Ljubljana, a thousand that say
-- wolfram and fifty that say quintessa, and two words with rare
-- letters inside, evenly spread in the order of ids; all of the later half archived.
INSERT INTO organizations (id, name, created_at)
VALUES (:organization, 'Scaled', timestamptz '2026-01-01' + :clients * interval '1 second');

INSERT INTO clients (
    id, organization_id, name, email, contact, note, type, address, city, zip, country, country_alpha2_code, tax_number,
    company_number, iban, bank, swift, website, phone, business_type, tax_subject, is_end_customer, custom, metadata,
    created_at, updated_at, deleted_at
)
SELECT lpad(to_hex(i), 24, '0'), :organization,
    firsts[1 + h % 24] || ' ' || lasts[1 + (h >> 5) % 32] || ' ' || trades[1 + (h >> 10) % 16] || ' ' || i,
    CASE WHEN h % 3 > 0 THEN lower(firsts[1 + h % 24]) || i || '@' || lower(lasts[1 + (h >> 5) % 32]) || '.example' END,
    CASE WHEN i % greatest(:clients / 50, 1) = 1 THEN 'Quintessa Bexzora 東京電力' WHEN h % 2 = 0 THEN firsts[1 + (h >> 7) % 24] END,
    CASE WHEN i % greatest(:clients / 1000, 1) = 0 THEN 'Wolfram' WHEN h % 5 = 0 THEN 'pays late' END
        || CASE WHEN i > :clients / 2 THEN ' archived' ELSE '' END,
    (ARRAY['customer', 'supplier', 'both'])[1 + h % 5],
    streets[1 + (h >> 3) % 16] || ' ' || 1 + h % 120,
    CASE WHEN (h >> 4) % 2 = 0 THEN 'Ljubljana' WHEN h % 7 > 0 THEN cities[1 + (h >> 9) % 16] END, (1000 + h % 9000)::text,
    (ARRAY['Slovenia', 'Austria', 'Italy', 'Croatia'])[1 + h % 4], (ARRAY['SI', 'AT', 'IT', 'HR'])[1 + h % 4],
    CASE WHEN h % 3 = 0 THEN 'SI' || 10000000 + h % 89999999 END, CASE WHEN h % 3 = 0 THEN (1000000 + i)::text END,
    CASE WHEN h % 4 = 0 THEN 'SI56' || lpad((h % 1000003)::text, 15, '0') END, CASE WHEN h % 4 = 0 THEN 'NLB' END,
    CASE WHEN h % 4 = 0 THEN 'LJBASI2X' END, CASE WHEN h % 3 = 1 THEN 'https://c' || i || '.example' END,
    CASE WHEN h % 2 = 1 THEN '+386 40 ' || 100000 + h % 899999 END, CASE WHEN h % 6 = 0 THEN 'company' END,
    h % 2 = 0, h % 3 = 0, CASE WHEN h % 9 = 0 THEN jsonb_build_object('tag', trades[1 + h % 16]) END,
    CASE WHEN h % 8 = 0 THEN jsonb_build_object('ref', 'R-' || i) ELSE '{}' END,
    timestamptz '2025-01-01' + i * interval '1 second',
    timestamptz '2025-02-01' + (h % :clients) * interval '1 second',
    CASE WHEN h % 33 = 0 THEN timestamptz '2026-01-01' END
FROM generate_series(1, :clients) i,
LATERAL (SELECT hashint4(i) & 2147483647) hashed (h),
LATERAL (SELECT
    ARRAY['Ada', 'Bojan', 'Cilka', 'Darja', 'Emil', 'Franc', 'Gregor', 'Hana', 'Igor', 'Jana', 'Katja', 'Luka', 'Maja', 'Nika',
        'Oskar', 'Petra', 'Rok', 'Sonja', 'Tina', 'Urban', 'Vesna', 'Zala', 'Špela', 'Žiga'],
    ARRAY['Novak', 'Horvat', 'Kovač', 'Krajnc', 'Zupan', 'Potočnik', 'Mlakar', 'Kos', 'Vidmar', 'Golob', 'Turk', 'Božič', 'Kralj',
        'Bizjak', 'Hribar', 'Rozman', 'Kavčič', 'Rupnik', 'Lesjak', 'Petek', 'Kolar', 'Medved', 'Kastelic', 'Oblak', 'Jereb',
        'Koren', 'Zajc', 'Kuhar', 'Logar', 'Lah', 'Sever', 'Pirc'],
    ARRAY['Ltd', 'Trade', 'Studio', 'Bakery', 'Works', 'Design', 'Garden', 'Transport', 'Consulting', 'Repairs', 'Books', 'Foods',
        'Energy', 'Systems', 'Timber', 'Travel'],
    ARRAY['Main Street', 'Station Road', 'Market Square', 'Mill Lane', 'Church Street', 'River Walk', 'School Road', 'Park Avenue',
        'Bridge Street', 'Castle Hill', 'North Road', 'South Road', 'Long Lane', 'Old Town', 'Harbour Way', 'Forest Path'],
    ARRAY['Maribor', 'Celje', 'Kranj', 'Velenje', 'Koper', 'Graz', 'Wien', 'Trieste', 'Udine', 'Zagreb', 'Rijeka', 'Split', 'Linz',
        'Villach', 'Gorizia', 'Domžale']
) words (firsts, lasts, trades, streets, cities);

INSERT INTO client_totals (organization_id, slot, n)
SELECT :organization, slot, count(id)
FROM generate_series(0, 63) slot
LEFT JOIN clients ON organization_id = :organization AND deleted_at IS NULL AND hashtext(id) & 63 = slot
GROUP BY slot;

INSERT INTO client_changes (organization_id, client_id, version, action, actor, at, after)
SELECT organization_id, id, n, CASE n WHEN 1 THEN 'created' ELSE 'updated' END, 'benchmark', created_at + n * interval '1 hour',
    jsonb_build_object('name', name, 'note', 'change ' || n)
FROM clients, generate_series(1, 2) n
WHERE organization_id = :organization
ORDER BY n, id;
