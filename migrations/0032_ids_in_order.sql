-- Ids of rows that a statement makes by itself, in the order of their time like those that the service makes:
-- UUIDv7 (RFC 9562 5.7), 48 bits of milliseconds and 74 random ones.

create function uuid_v7(at timestamptz) returns uuid
  language sql volatile parallel safe
  -- Bits 52 and 53 make the version of a random UUID, 4, to 7.
  return encode(set_bit(set_bit(
    overlay(uuid_send(gen_random_uuid()) placing substring(int8send(floor(extract(epoch from at) * 1000)::bigint) from 3) from 1 for 6),
    52, 1), 53, 1), 'hex')::uuid;

comment on function uuid_v7(timestamptz) is 'An id for a row of this time; ids of one millisecond are in no order.';
