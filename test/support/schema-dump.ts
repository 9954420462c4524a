import type { Queryable } from '../../src/platform/postgres.ts';

/** Objects of extensions and of the system are not ours; partitions come and go with the calendar. */
const ours = `n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_'
  and not exists (select from pg_depend d where d.objid = o.oid and d.deptype = 'e')`;

/** One query a kind of object; each answers sorted lines. Only what Postgres 15 and later word alike. */
const sections: readonly (readonly [title: string, sql: string])[] = [
  [
    'tables and views',
    // Version 15 qualifies the columns of a view on one table by its alias (a letter, in ours), later ones do not.
    `select format('%s %s%s%s%s', case o.relkind when 'r' then 'table' when 'p' then 'table' when 'v' then 'view'
         when 'm' then 'materialized view' when 'S' then 'sequence' else o.relkind::text end,
       o.oid::regclass,
       case when o.relkind = 'p' then ' partition by ' || pg_get_partkeydef(o.oid) else '' end,
       case when o.reloptions is not null then ' with (' || array_to_string(o.reloptions, ', ') || ')' else '' end,
       case when o.relkind in ('v', 'm') then ' as ' || regexp_replace(pg_get_viewdef(o.oid), '\\m[a-z]\\.', '', 'g')
           else '' end) as line
     from pg_class o join pg_namespace n on n.oid = o.relnamespace
     where o.relkind in ('r', 'p', 'v', 'm', 'S') and not o.relispartition and ${ours}`,
  ],
  [
    'columns',
    `select format('%s.%s %s%s%s%s', o.oid::regclass, lpad(a.attnum::text, 2, '0') || ' ' || a.attname,
       format_type(a.atttypid, a.atttypmod),
       case when a.attcollation <> t.typcollation then ' collate ' || a.attcollation::regcollation else '' end,
       case when a.attnotnull then ' not null' else '' end,
       case when a.attidentity <> '' then ' identity ' || a.attidentity::text
            when a.attgenerated <> '' then ' generated ' || pg_get_expr(d.adbin, d.adrelid)
            when d.adbin is not null then ' default ' || pg_get_expr(d.adbin, d.adrelid) else '' end) as line
     from pg_attribute a join pg_class o on o.oid = a.attrelid join pg_namespace n on n.oid = o.relnamespace
     join pg_type t on t.oid = a.atttypid
     left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where o.relkind in ('r', 'p') and not o.relispartition and a.attnum > 0 and not a.attisdropped and ${ours}`,
  ],
  [
    'constraints',
    // From version 18 on NOT NULL is a constraint too; it stands with the columns.
    `select format('%s %s %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) as line
     from pg_constraint c join pg_class o on o.oid = c.conrelid join pg_namespace n on n.oid = o.relnamespace
     where c.contype <> 'n' and not o.relispartition and ${ours}`,
  ],
  [
    'indexes',
    `select pg_get_indexdef(i.indexrelid) as line
     from pg_index i join pg_class o on o.oid = i.indrelid join pg_namespace n on n.oid = o.relnamespace
     where not o.relispartition and not exists (select from pg_constraint c where c.conindid = i.indexrelid) and ${ours}`,
  ],
  [
    'functions',
    `select pg_get_functiondef(o.oid) as line
     from pg_proc o join pg_namespace n on n.oid = o.pronamespace where o.prokind in ('f', 'p') and ${ours}`,
  ],
  [
    'triggers',
    `select pg_get_triggerdef(g.oid) as line
     from pg_trigger g join pg_class o on o.oid = g.tgrelid join pg_namespace n on n.oid = o.relnamespace
     where not g.tgisinternal and not o.relispartition and ${ours}`,
  ],
  [
    'types',
    `select format('%s %s: %s', o.typtype, o.oid::regtype, coalesce(
         (select string_agg(e.enumlabel, ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = o.oid),
         (select string_agg(pg_get_constraintdef(c.oid), ', ' order by c.conname) from pg_constraint c where c.contypid = o.oid),
         '')) as line
     from pg_type o join pg_namespace n on n.oid = o.typnamespace where o.typtype in ('e', 'd') and ${ours}`,
  ],
  [
    'privileges',
    // The owner's name differs between installations and needs no grant.
    `select format('%s to %s: %s', o.oid::regclass, case g.grantee when 0 then 'public' else g.grantee::regrole::text end,
       string_agg(g.privilege_type, ', ' order by g.privilege_type)) as line
     from pg_class o join pg_namespace n on n.oid = o.relnamespace cross join aclexplode(o.relacl) g
     where g.grantee <> o.relowner and not o.relispartition and ${ours} group by o.oid, g.grantee
     union all
     select format('%s to %s: %s', o.oid::regprocedure, case g.grantee when 0 then 'public' else g.grantee::regrole::text end,
       string_agg(g.privilege_type, ', ' order by g.privilege_type)) as line
     from pg_proc o join pg_namespace n on n.oid = o.pronamespace
     cross join aclexplode(coalesce(o.proacl, acldefault('f', o.proowner))) g
     where g.grantee <> o.proowner and ${ours} group by o.oid, g.grantee`,
  ],
  [
    'row security',
    `select format('%s %s %s using (%s) check (%s)', o.oid::regclass, p.polname, p.polcmd,
       pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) as line
     from pg_policy p join pg_class o on o.oid = p.polrelid join pg_namespace n on n.oid = o.relnamespace where ${ours}`,
  ],
  [
    'comments',
    `select format('%s%s: %s', o.oid::regclass, coalesce('.' || a.attname, ''), d.description) as line
     from pg_description d join pg_class o on o.oid = d.objoid and d.classoid = 'pg_class'::regclass
     join pg_namespace n on n.oid = o.relnamespace
     left join pg_attribute a on a.attrelid = o.oid and a.attnum = d.objsubid and d.objsubid > 0
     where not o.relispartition and ${ours}`,
  ],
];

/** The schema as text, made from the catalogue alone, the same on every server version for the same migrations. */
export async function dumpSchema(db: Queryable): Promise<string> {
  const parts: string[] = [];
  for (const [title, sql] of sections) {
    const { rows } = await db.query<{ line: string }>({
      text: `select line from (${sql}) found order by line collate "C"`,
    });
    if (rows.length > 0) parts.push(`-- ${title}\n${rows.map(({ line }) => line.trimEnd()).join('\n')}\n`);
  }
  return parts.join('\n');
}
