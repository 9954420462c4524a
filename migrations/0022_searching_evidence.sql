-- What decisions and tasks are searched by, without a further entry for each admission or each task that is done.

create index admissions_by_reason on admissions (reason, at, id) where outcome = 'refused';
create index refusals_by_reason on refusals (reason, at, id);
create index tasks_by_state on tasks (state, id) where state <> 'done';
