-- For the end of old events. Nothing is committed while it is built, so where there are millions of events no worker is to run.
CREATE INDEX events_by_time ON bili_fleet.events (at);
