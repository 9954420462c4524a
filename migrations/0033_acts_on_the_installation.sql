-- Who ended a job and who signed a checkpoint stands in the audit too, among the changes that concern no device.

alter table access_changes drop constraint access_changes_action_check;
alter table access_changes add constraint access_changes_action_check
  check (action in ('key_created', 'key_revoked', 'job_cancelled', 'checkpoint_made'));

comment on table access_changes is
  'Who changed who may use the management door, and what people did to the installation as a whole, written in the transaction of the change.';
