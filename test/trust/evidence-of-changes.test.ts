import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { insertFileChange } from '../../src/fleet/files/file-queries.ts';
import { manualClock } from '../../src/platform/clock.ts';
import { createApiKeys } from '../../src/trust/access/api-keys.ts';
import { verifyEvidence } from '../../src/trust/evidence-verify.ts';
import { changeRevocation } from '../../src/trust/revocation/changes.ts';
import { withDatabase } from '../support/database.ts';
import { by } from './world.ts';

const hostile = 'a\0"\\\u001b[31m\r\n\u202e=1+1<script>\ud800€';

describe('changes of revocation, of access and of files', () => {
  test('are links too: one that was altered or taken away shows', async (t) => {
    const { db } = await withDatabase(t);
    const keys = createApiKeys({ db, clock: manualClock(new Date()) });
    for (const name of ['one', 'two', 'three']) {
      const change = { at: new Date(), actor: by.actor, subject: hostile, after: { name }, reason: hostile };
      await changeRevocation(db, (_, record) => record({ ...change, action: 'list_imported' }));
      await keys.create({ name, role: 'viewer' }, by);
      await db.query(insertFileChange({ ...change, action: 'file_added', subject: randomUUID() }));
    }
    const whole = await verifyEvidence(db);
    assert.deepEqual([whole.rows, whole.findings, whole.unchained], [9, [], []]);
    for (const [table, edit, expected] of [
      ['revocation_changes', `update revocation_changes set actor = 'somebody else' where link = 2`, 'altered'],
      ['file_changes', `update file_changes set subject = gen_random_uuid() where link = 1`, 'altered'],
      ['access_changes', `delete from access_changes where link = 3`, 'missing'],
    ] as const) {
      await assert.rejects(db.query({ text: edit }), /append/);
      await db.query({ text: `alter table ${table} disable trigger user` });
      await db.query({ text: edit });
      const { findings } = await verifyEvidence(db);
      assert.deepEqual(
        findings.filter(({ source }) => source === table).map(({ kind }) => kind),
        [expected],
      );
    }
  });
});
