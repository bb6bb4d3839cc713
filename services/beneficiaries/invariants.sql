-- What must hold in the database of beneficiaries, at every commit. Each query returns the places where it does not:
-- place and message. Run by `fundtrail check`, by tests and nightly in production, with a role that can only read.

-- invariant: list_totals_are_the_sums_of_payments
SELECT 'lists/' || l.id AS place,
       format('%s payments of %s, rows are %s of %s', l.payment_count, l.total_vnd, count(p.id), coalesce(sum(p.amount_vnd), 0)) AS message
FROM lists l LEFT JOIN payments p ON p.list_id = l.id
WHERE l.submission > 0
GROUP BY l.id, l.payment_count, l.total_vnd
HAVING l.payment_count <> count(p.id) OR l.total_vnd <> coalesce(sum(p.amount_vnd), 0);

-- invariant: payments_are_the_sums_of_obligations
SELECT 'payments/' || p.id AS place, format('amount %s, obligations %s', p.amount_vnd, coalesce(o.amount_vnd, 0)) AS message
FROM payments p LEFT JOIN (
    SELECT payment_id, sum(amount_vnd) AS amount_vnd FROM obligations WHERE payment_id IS NOT NULL GROUP BY payment_id
) AS o ON o.payment_id = p.id
WHERE p.reissue_of IS NULL AND p.amount_vnd IS DISTINCT FROM o.amount_vnd
UNION ALL
SELECT 'payments/' || p.id, format('reissues %s of %s to %s, is %s to %s with %s of its own',
       f.id, f.amount_vnd, f.person_id, p.amount_vnd, p.person_id, count(o.id))
FROM payments p LEFT JOIN payments f ON f.id = p.reissue_of LEFT JOIN obligations o ON o.payment_id = p.id
WHERE p.reissue_of IS NOT NULL GROUP BY p.id, f.id
HAVING (p.amount_vnd, p.person_id) IS DISTINCT FROM (f.amount_vnd, f.person_id) OR count(o.id) > 0;

-- invariant: obligations_are_due_less_paid
SELECT 'obligations/' || id AS place, format('amount %s, due %s, paid %s', amount_vnd, due_vnd, paid_vnd) AS message
FROM obligations
WHERE (kind IN ('monthly', 'arrears', 'opening') AND amount_vnd <> due_vnd - paid_vnd)
   OR (kind = 'recovery' AND amount_vnd < due_vnd - paid_vnd);

-- invariant: obligations_without_payment_set_each_other_off
SELECT 'persons/' || person_id AS place, format('%s đồng in %s without a payment', sum(amount_vnd), in_period) AS message
FROM obligations WHERE payment_id IS NULL AND opening_id IS NULL
GROUP BY person_id, in_period HAVING sum(amount_vnd) <> 0;

-- invariant: outcomes_have_the_amount_of_their_payment
SELECT 'outcomes/' || o.payment_id AS place, format('outcome %s, payment %s', o.amount_vnd, p.amount_vnd) AS message
FROM outcomes o LEFT JOIN payments p ON p.id = o.payment_id
WHERE o.amount_vnd IS DISTINCT FROM p.amount_vnd OR o.list_id <> p.list_id
UNION ALL
SELECT 'outcomes/' || o.payment_id, format('row %s of statement %s, which is not there', o.row, o.statement_id)
FROM outcomes o WHERE NOT EXISTS (
    SELECT 1 FROM statement_rows r JOIN statements s ON s.id = r.statement_id
    WHERE r.statement_id = o.statement_id AND r.row = o.row AND r.payment_id = o.payment_id)
UNION ALL
SELECT 'late_returns/' || r.payment_id, format('return %s, outcome %s of %s', r.amount_vnd, o.kind, o.amount_vnd)
FROM late_returns r LEFT JOIN outcomes o ON o.payment_id = r.payment_id
WHERE o.kind IS DISTINCT FROM 'settled' OR o.amount_vnd <> r.amount_vnd OR o.list_id <> r.list_id
UNION ALL
SELECT 'payments/' || p.id, format('reissues %s, which did not come back', p.reissue_of)
FROM payments p WHERE p.reissue_of IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM outcomes o WHERE o.payment_id = p.reissue_of AND o.kind = 'returned')
  AND NOT EXISTS (SELECT 1 FROM late_returns r WHERE r.payment_id = p.reissue_of);

-- invariant: statements_sum_up_what_they_said
SELECT 'statement_sums/' || statement_id AS place,
       format('list %s, %s %s: %s payments of %s, rows are %s of %s', list_id, kind, reason_code,
              coalesce(s.payment_count, 0), coalesce(s.amount_vnd, 0), coalesce(o.payment_count, 0), coalesce(o.amount_vnd, 0)) AS message
FROM statement_sums s FULL JOIN (
    SELECT statement_id, list_id, kind, reason_code, count(*) AS payment_count, sum(amount_vnd) AS amount_vnd
    FROM (
        SELECT statement_id, list_id, kind, coalesce(reason_code, '') AS reason_code, amount_vnd FROM outcomes
        UNION ALL SELECT statement_id, list_id, 'returned_late', reason_code, amount_vnd FROM late_returns
    ) AS said GROUP BY statement_id, list_id, kind, reason_code
) AS o USING (statement_id, list_id, kind, reason_code)
WHERE (s.payment_count, s.amount_vnd) IS DISTINCT FROM (o.payment_count, o.amount_vnd);

-- invariant: openings_are_the_sums_of_their_rows
SELECT 'openings/' || p.id AS place, format('total %s, rows %s', p.total_vnd, coalesce(sum(o.amount_vnd), 0)) AS message
FROM openings p LEFT JOIN obligations o ON o.opening_id = p.id
WHERE p.state <> 'importing'
GROUP BY p.id, p.total_vnd HAVING p.total_vnd <> coalesce(sum(o.amount_vnd), 0);

-- invariant: decided_registrations_keep_no_rows
SELECT 'registrations/' || g.id AS place, format('%s, but %s of its rows are still there', g.state, count(*)) AS message
FROM registrations g JOIN registration_rows r ON r.registration_id = g.id
WHERE g.state IN ('entered', 'rejected')
GROUP BY g.id, g.state;

-- invariant: instructed_payments_are_those_of_the_journal
WITH told AS (
    SELECT (item ->> 'payment_id')::uuid AS id, (item ->> 'amount_vnd')::bigint AS amount_vnd,
           (item ->> 'person_id')::uuid AS person_id
    FROM journal, jsonb_array_elements(convert_from(data, 'UTF8')::jsonb -> 'items') AS item
    WHERE type = 'vn.fundtrail.payments.instructed.v1'
), kept AS (
    SELECT p.id, p.amount_vnd, p.person_id FROM payments p JOIN lists l ON l.id = p.list_id
    WHERE l.state IN ('instructed', 'closing', 'closed')
)
SELECT 'payments/' || coalesce(k.id, t.id) AS place,
       format('row %s, journal %s', coalesce(k.amount_vnd::text, 'absent'), coalesce(t.amount_vnd::text, 'absent')) AS message
FROM kept k FULL JOIN told t ON t.id = k.id
WHERE (k.amount_vnd, k.person_id) IS DISTINCT FROM (t.amount_vnd, t.person_id)
  AND NOT (k.id IS NULL AND EXISTS (
      SELECT 1 FROM payments p JOIN lists l ON l.id = p.list_id WHERE p.id = t.id AND l.state = 'drawn'));
