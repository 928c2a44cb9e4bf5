-- Accounts and what is known of them. A login is encrypted under a key that is not in the database.
CREATE TABLE bili_fleet.ways (
    name text PRIMARY KEY,
    -- Address of a proxy, encrypted; null for the machine's own address.
    proxy bytea,
    -- Requests a second of all workers together.
    budget double precision NOT NULL CHECK (budget > 0),
    slowed_until timestamptz NOT NULL DEFAULT '-infinity'
);

CREATE TABLE bili_fleet.accounts (
    uid bigint PRIMARY KEY,
    way text NOT NULL REFERENCES bili_fleet.ways,
    login bytea NOT NULL,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'failed')),
    -- Least time between two rounds.
    pace_ms integer NOT NULL CHECK (pace_ms > 0),
    checkpoint text,
    saved_at timestamptz,
    last_error text,
    added_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX accounts_by_way ON bili_fleet.accounts (way);

-- Who may poll an account and write for it. The epoch tells two leases of one worker apart. Rows are renewed every few
-- seconds, so there is room beside each for its next version.
CREATE TABLE bili_fleet.leases (
    uid bigint PRIMARY KEY REFERENCES bili_fleet.accounts ON DELETE CASCADE,
    owner text,
    epoch bigint NOT NULL DEFAULT 0,
    until timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);
CREATE INDEX leases_by_owner ON bili_fleet.leases (owner);

CREATE TABLE bili_fleet.workers (
    name text PRIMARY KEY,
    capacity integer NOT NULL CHECK (capacity > 0),
    until timestamptz NOT NULL
);

-- Each event once. Accounts may be dropped; their events stay.
CREATE TABLE bili_fleet.events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The transaction, so that a reader can tell what may still be committed before it.
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    uid bigint NOT NULL,
    kind text NOT NULL,
    session_type bigint NOT NULL,
    talker_id bigint NOT NULL,
    seqno bigint NOT NULL,
    key bigint NOT NULL,
    line text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (uid, kind, session_type, talker_id, seqno, key)
);
CREATE INDEX events_in_order ON bili_fleet.events (xid, id);

CREATE TABLE bili_fleet.consumers (
    name text PRIMARY KEY,
    added_at timestamptz NOT NULL DEFAULT now()
);

-- What a consumer has not acknowledged yet, put there by the transaction of the event.
CREATE TABLE bili_fleet.queue (
    consumer text NOT NULL REFERENCES bili_fleet.consumers ON DELETE CASCADE,
    event bigint NOT NULL REFERENCES bili_fleet.events,
    uid bigint NOT NULL,
    session_type bigint NOT NULL,
    talker_id bigint NOT NULL,
    taken integer NOT NULL DEFAULT 0,
    taken_until timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (consumer, event)
);
CREATE INDEX queue_by_conversation ON bili_fleet.queue (consumer, uid, session_type, talker_id, event);

-- Replies. `sending` is committed before the request, so that none is sent twice; `unknown` is one whose worker was gone
-- before it could say what came of it.
CREATE TABLE bili_fleet.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL UNIQUE,
    uid bigint NOT NULL REFERENCES bili_fleet.accounts ON DELETE CASCADE,
    session_type bigint NOT NULL,
    talker_id bigint NOT NULL,
    text text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'unknown')),
    due timestamptz NOT NULL DEFAULT now(),
    epoch bigint,
    msg_key bigint,
    error text,
    added_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outbox_open ON bili_fleet.outbox (uid, id) WHERE state IN ('waiting', 'sending');

-- A text encrypted under the key of the logins: a wrong key is refused before anything is done with it.
CREATE TABLE bili_fleet.key_check (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    sealed bytea NOT NULL
);
