-- The last known state of every parameter of every device, one row each, rewritten only where it changes.

alter table device_parameters rename column read_at to since;
alter table device_parameters alter column value drop not null;
alter table device_parameters alter column type drop not null;
alter table device_parameters add column writable boolean;
-- 0 off, 1 passive, 2 active, 3 to 6 lightweight.
alter table device_parameters add column notification smallint;
alter table device_parameters add column access_list text[];

comment on table device_parameters is
  'Objects end in a dot and have no value; nor has a parameter that was not read yet, or is secret. `since`: when the value became known.';

create table device_parameter_totals (
  device_id uuid primary key references devices (id),
  names int not null,
  -- Of names and values.
  bytes bigint not null
) with (fillfactor = 70);

comment on table device_parameter_totals is 'How much is kept of a device, so that the bounds cost no counting.';

-- Of the parameters in the last Inform that was taken over: the next one, if it says the same, costs nothing.
alter table device_contact add column parameters_digest text;
-- Of the notification policy that was last asked of the device.
alter table device_contact add column notification_policy text;
