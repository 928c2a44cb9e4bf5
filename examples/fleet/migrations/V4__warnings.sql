-- What went wrong, above all gaps: put there by the transaction of the checkpoint that goes past it. Ends after two weeks.
CREATE TABLE bili_fleet.warnings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    uid bigint NOT NULL,
    kind text NOT NULL,
    line text NOT NULL
);
CREATE INDEX warnings_by_time ON bili_fleet.warnings (at);

-- For the end of events: whether somebody waits for one.
CREATE INDEX queue_by_event ON bili_fleet.queue (event);
