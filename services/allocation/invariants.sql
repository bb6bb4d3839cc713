-- What must hold in the database of allocation, at every commit. Each query returns the places where it does not:
-- place and message. Run by `fundtrail check`, by tests and nightly in production, with a role that can only read.

-- invariant: account_totals_are_the_sums_of_transfers
WITH sums AS (
    SELECT account, sum(dp) AS dp, sum(cp) AS cp, sum(dn) AS dn, sum(cn) AS cn FROM (
        SELECT debit_account AS account,
               CASE WHEN kind IN ('direct', 'post') THEN amount_vnd ELSE 0 END AS dp, 0 AS cp,
               CASE WHEN kind = 'hold' THEN amount_vnd WHEN kind IN ('post', 'void') THEN -amount_vnd ELSE 0 END AS dn,
               0 AS cn
        FROM transfers
        UNION ALL
        SELECT credit_account, 0, CASE WHEN kind IN ('direct', 'post') THEN amount_vnd ELSE 0 END, 0,
               CASE WHEN kind = 'hold' THEN amount_vnd WHEN kind IN ('post', 'void') THEN -amount_vnd ELSE 0 END
        FROM transfers
    ) AS legs GROUP BY account
)
SELECT 'accounts/' || a.id AS place,
       format('totals %s %s %s %s, rows add up to %s %s %s %s', a.debits_posted, a.credits_posted, a.debits_pending,
              a.credits_pending, coalesce(s.dp, 0), coalesce(s.cp, 0), coalesce(s.dn, 0), coalesce(s.cn, 0)) AS message
FROM accounts a LEFT JOIN sums s ON s.account = a.id
WHERE (a.debits_posted, a.credits_posted, a.debits_pending, a.credits_pending)
      IS DISTINCT FROM (coalesce(s.dp, 0), coalesce(s.cp, 0), coalesce(s.dn, 0), coalesce(s.cn, 0));

-- invariant: debits_equal_credits
SELECT 'accounts' AS place, format('debits %s, credits %s', sum(debits_posted), sum(credits_posted)) AS message
FROM accounts
HAVING sum(debits_posted) <> sum(credits_posted) OR sum(debits_pending) <> sum(credits_pending);

-- invariant: nothing_below_its_bound
SELECT 'accounts/' || id AS place,
       format('%s đồng below zero', debits_posted + debits_pending - credits_posted) AS message
FROM accounts WHERE bounded AND credits_posted - debits_posted - debits_pending < 0;

-- invariant: holds_are_posted_voided_or_open
SELECT 'holds/' || h.id AS place,
       format('posted %s, voided %s of %s; rows say %s and %s', h.posted_vnd, h.voided_vnd, h.amount_vnd,
              coalesce(t.posted, 0), coalesce(t.voided, 0)) AS message
FROM holds h LEFT JOIN (
    SELECT hold_id, sum(amount_vnd) FILTER (WHERE kind = 'post') AS posted,
           sum(amount_vnd) FILTER (WHERE kind = 'void') AS voided
    FROM transfers WHERE hold_id IS NOT NULL GROUP BY hold_id
) AS t ON t.hold_id = h.id
WHERE (h.posted_vnd, h.voided_vnd) IS DISTINCT FROM (coalesce(t.posted, 0), coalesce(t.voided, 0))
   OR h.posted_vnd + h.voided_vnd > h.amount_vnd;

-- invariant: nothing_stands_in_other_hands_in_a_closed_year
SELECT 'accounts/' || a.id AS place,
       format('%s đồng stand as %s in %s, which is closed', a.credits_posted - a.debits_posted, a.role, a.fiscal_year) AS message
FROM accounts a JOIN ledger_years y ON y.fiscal_year = a.fiscal_year
WHERE a.role IN ('provider', 'returned', 'advance') AND a.credits_posted <> a.debits_posted;

-- invariant: no_hold_is_open_in_a_closed_year
SELECT 'holds/' || h.id AS place,
       format('%s đồng are held in %s, which is closed', h.amount_vnd - h.posted_vnd - h.voided_vnd, a.fiscal_year) AS message
FROM holds h JOIN accounts a ON a.id IN (h.debit_account, h.credit_account)
JOIN ledger_years y ON y.fiscal_year = a.fiscal_year
WHERE h.posted_vnd + h.voided_vnd < h.amount_vnd;

-- invariant: decision_totals_are_the_sums_of_lines
SELECT 'decisions/' || d.id AS place, format('total %s, lines add up to %s', d.total_vnd, sum(l.amount_vnd)) AS message
FROM decisions d LEFT JOIN decision_lines l ON l.decision_id = d.id
GROUP BY d.id, d.total_vnd HAVING d.total_vnd IS DISTINCT FROM sum(l.amount_vnd);

-- invariant: issued_lines_moved_their_amount_once
SELECT 'decision_lines/' || l.id AS place,
       format('amount %s, %s transfers brought in %s', l.amount_vnd, count(t.id), coalesce(sum(t.amount_vnd), 0)) AS message
FROM decision_lines l JOIN decisions d ON d.id = l.decision_id
LEFT JOIN (
    SELECT t.id, t.decision_line, t.amount_vnd FROM transfers t
    JOIN accounts a ON a.id = t.debit_account JOIN accounts c ON c.id = t.credit_account
    WHERE t.kind = 'direct' AND a.role IN ('source', 'envelope') AND c.role IN ('envelope', 'allotment')
) AS t ON t.decision_line = l.id
WHERE d.state = 'issued'
GROUP BY l.id, l.amount_vnd HAVING count(t.id) <> 1 OR sum(t.amount_vnd) <> l.amount_vnd;

-- invariant: only_issued_decisions_moved_money
SELECT 'decisions/' || d.id AS place, format('it is %s, and %s transfers name its lines', d.state, count(*)) AS message
FROM decision_lines l JOIN decisions d ON d.id = l.decision_id JOIN transfers t ON t.decision_line = l.id
WHERE d.state <> 'issued'
GROUP BY d.id, d.state;

-- invariant: lists_are_held_whole
SELECT 'list_funds/' || f.list_id AS place, format('asked %s, holds %s', f.total_vnd, coalesce(sum(h.amount_vnd), 0)) AS message
FROM list_funds f LEFT JOIN list_holds h ON h.list_id = f.list_id AND h.submission = f.submission
WHERE f.state IN ('held', 'drawn', 'closed')
GROUP BY f.list_id, f.submission, f.total_vnd HAVING f.total_vnd <> coalesce(sum(h.amount_vnd), 0);

-- invariant: outcomes_are_posted_with_their_amount
SELECT 'list_posts/' || p.transfer_id AS place, format('post %s, transfer %s', p.amount_vnd, t.amount_vnd) AS message
FROM list_posts p LEFT JOIN transfers t ON t.id = p.transfer_id
WHERE t.amount_vnd IS DISTINCT FROM p.amount_vnd;

-- invariant: transfers_are_those_of_the_journal
WITH told AS (
    SELECT (item ->> 'transfer_id')::uuid AS id, (item ->> 'amount_vnd')::bigint AS amount_vnd,
           (item ->> 'debit_account')::uuid AS debit_account, (item ->> 'credit_account')::uuid AS credit_account
    FROM journal, jsonb_array_elements(convert_from(data, 'UTF8')::jsonb -> 'items') AS item
    WHERE type = 'vn.fundtrail.ledger.transfers_decided.v1' AND item ->> 'verdict' = 'accepted'
)
SELECT 'transfers/' || coalesce(t.id, told.id) AS place,
       format('row %s, journal %s', coalesce(t.amount_vnd::text, 'absent'), coalesce(told.amount_vnd::text, 'absent')) AS message
FROM transfers t FULL JOIN told ON told.id = t.id
WHERE (t.amount_vnd, t.debit_account, t.credit_account)
      IS DISTINCT FROM (told.amount_vnd, told.debit_account, told.credit_account);
