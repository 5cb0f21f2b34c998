-- Whether this life of Redis has a history: all that was on its way when it began is in the database.
-- KEYS: generation. ARGV: the life that is to be marked so, '' to ask only.
-- Answers with this life, and 'none' for a Redis that was never marked, 'other' for an earlier life's mark, 'this'.
local this_run = run_id()
if ARGV[1] == this_run then redis.call('SET', KEYS[1], this_run) end
local marked = redis.pcall('GET', KEYS[1])
if marked == this_run then return {this_run, 'this'} end
return {this_run, redis.call('EXISTS', KEYS[1]) == 1 and 'other' or 'none'}
