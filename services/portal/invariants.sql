-- What must hold in the database of the portal. Each query returns the places where it does not: place, message.

-- invariant: accounts_are_those_of_the_journal
SELECT 'users/' || u.id AS place, 'the journal does not tell of this account' AS message
FROM users u WHERE NOT EXISTS (
    SELECT 1 FROM journal j WHERE j.type = 'vn.fundtrail.users.created.v1' AND j.key = u.id::text);

-- invariant: open_sessions_belong_to_active_accounts
SELECT 'sessions/' || s.id AS place, 'open, though its account is blocked' AS message
FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.ended_at IS NULL AND NOT u.active;
