-- Taken by HTTP and refused when the dispatcher came to it (expired meanwhile, its type changed): nothing was planned, and the quarantine
-- row written with it says why. Taken again after a mend it becomes accepted.
ALTER TABLE events DROP CONSTRAINT events_state_check;
ALTER TABLE events ADD CONSTRAINT events_state_check CHECK (state IN ('received', 'accepted', 'superseded', 'refused'));
