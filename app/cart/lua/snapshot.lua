-- The cart as it stands, joined or not: for the sweeper, which writes it to the database.
-- KEYS: cart (and dirty, untouched).
return {'OK', redis.call('HGETALL', KEYS[1])}
