-- Feeds of notifications that are watched beside the messages: replies, at, likes, system.
ALTER TABLE bili_fleet.accounts ADD COLUMN feeds text[] NOT NULL DEFAULT '{}';

-- Time of the newest like (seconds), else 0. Where one like goes and another comes the number of likes, which stands in
-- `seqno`, is the same: the time tells the two events apart.
ALTER TABLE bili_fleet.events ADD COLUMN liked_at bigint NOT NULL DEFAULT 0;
ALTER TABLE bili_fleet.events
    DROP CONSTRAINT events_uid_kind_session_type_talker_id_seqno_key_key,
    ADD UNIQUE (uid, kind, session_type, talker_id, seqno, key, liked_at);
