-- What pgchaos writes to. There is no foreign key, as key-share locks on a few user rows would
-- become the benchmark, and the token's index is not unique, as a unique one would hide
-- duplicated writes.
CREATE SCHEMA pgchaos;

CREATE TABLE pgchaos.users (
    id   integer PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE pgchaos.user_events (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id     uuid NOT NULL,
    writer     integer NOT NULL,
    seq        bigint NOT NULL,
    user_id    integer NOT NULL,
    event_type text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The token of a write. Verification reads it in this order and nothing else.
CREATE INDEX user_events_token ON pgchaos.user_events (run_id, writer, seq);
