-- What was asked for under an Idempotency-Key at the management door: whoever repeats it gets the answer that was given,
-- and nothing is made twice. Kept for a day, and no more than so many of one caller.

create table idempotency_keys (
  -- Key, certificate or subject of a token: no two share one.
  caller text not null check (length(caller) between 1 and 200),
  operation text not null check (length(operation) between 1 and 100),
  -- SHA-256 of the key.
  key bytea not null check (length(key) = 32),
  -- HMAC-SHA-256 of the request, by the key: without the key nothing can be told of what was asked.
  request bytea not null check (length(request) = 32),
  -- Of the file that came with it; null: none did, or it is not known.
  content bytea check (length(content) = 32),
  content_length bigint,
  -- Names who works on it.
  claim uuid not null,
  -- By the clock of the database; null: it is settled. One that is over was abandoned: whoever repeats it takes it over.
  claimed_until timestamptz,
  status int,
  headers json,
  -- As it was given, without what is shown once; null: it was not kept.
  answer json,
  created_at timestamptz not null,
  primary key (caller, operation, key),
  check ((claimed_until is null) = (status is not null))
);

create index idempotency_keys_by_time on idempotency_keys (created_at);
create index idempotency_keys_by_claim on idempotency_keys (claim);

comment on table idempotency_keys is 'What was asked for under an Idempotency-Key within a day, and what was answered.';
