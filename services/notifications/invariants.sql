-- What must hold in the database of notifications. Each query returns the places where it does not: place, message.

-- invariant: states_have_their_rank
SELECT 'deliveries/' || id AS place, format('state %s, rank %s', state, rank) AS message
FROM deliveries
WHERE rank <> CASE state WHEN 'queued' THEN 0 WHEN 'sent' THEN 1 WHEN 'failed' THEN 2 ELSE 3 END;

-- invariant: addressed_messages_are_not_pending
SELECT 'messages/' || m.id AS place, 'pending, though it has deliveries' AS message
FROM messages m WHERE m.state = 'pending' AND EXISTS (SELECT 1 FROM deliveries d WHERE d.message_id = m.id);
