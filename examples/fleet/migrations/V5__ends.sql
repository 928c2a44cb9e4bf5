-- For the end of old events. Nothing is committed while it is built, so where there are millions of events no worker is to run.
CREATE INDEX events_by_time ON bili_fleet.events (at);

-- A reply outlives its account: the key of one that was sent keeps it from being sent again when the account is back.
ALTER TABLE bili_fleet.outbox DROP CONSTRAINT outbox_uid_fkey;
