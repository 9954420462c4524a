-- What devices are found and sorted by at the doors: every documented filter and sort has its index.

create index devices_by_model on devices (product_class, id) where product_class is not null;
create index devices_by_state_since on devices (state_since, id);

-- The hour of the last Inform. It changes once an hour at most, so that an Inform within the hour stays a heap-only
-- update; an index on the exact time would cost each Inform an entry.
alter table device_contact add column informed_hour timestamptz not null
  generated always as (date_bin('1 hour', last_inform_at, timestamptz '2000-01-01 00:00:00+00')) stored;

create index device_contact_by_hour on device_contact (informed_hour, device_id);
create index device_contact_by_software on device_contact (software_version, device_id) where software_version is not null;

comment on table device_contact is
  'What the device last said of itself; written at every Inform, so indexed by what seldom changes alone.';

-- Which devices have a parameter of this value. Eight octets a row, whatever the length of name and value; who asks
-- compares both besides.
create index device_parameters_by_value on device_parameters
  (hashtextextended((name || '=' || value) collate "C", 0)) where value is not null;
