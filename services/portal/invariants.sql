-- What must hold in the database of the portal. Each query returns the places where it does not: place, message.

-- invariant: accounts_are_those_of_the_journal
SELECT 'users/' || u.id AS place, 'the journal does not tell of this account' AS message
FROM users u WHERE NOT EXISTS (
    SELECT 1 FROM journal j WHERE j.type = 'vn.fundtrail.users.created.v1' AND j.key = u.id::text);

-- invariant: open_sessions_belong_to_active_accounts
SELECT 'sessions/' || s.id AS place, 'open, though its account is blocked' AS message
FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.ended_at IS NULL AND NOT u.active;

-- invariant: uploads_are_the_sum_of_their_pieces
SELECT 'uploads/' || u.id AS place, 'says ' || u.received || ' bytes, and its pieces have ' || p.size AS message
FROM uploads u CROSS JOIN LATERAL (
    SELECT coalesce(sum(size), 0) AS size FROM upload_pieces WHERE upload_id = u.id) p
WHERE u.received <> p.size;

-- invariant: upload_pieces_follow_each_other
SELECT 'uploads/' || upload_id AS place, 'the piece at byte ' || first_byte || ' does not begin where the last ends' AS message
FROM (SELECT upload_id, first_byte,
             sum(size) OVER (PARTITION BY upload_id ORDER BY first_byte) - size AS before FROM upload_pieces) p
WHERE first_byte <> before;
