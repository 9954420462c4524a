-- For the Postgres of deploy/compose.yaml: the roles of docs/database.md, and Grafana's login, which reads the views of
-- the schema report and nothing else. The database is reached from within the compose network alone.
create role hems_owner nologin;
create role hems_service nologin;
create role hems_readonly nologin;
create role grafana login password 'grafana-try-it' in role hems_readonly;
