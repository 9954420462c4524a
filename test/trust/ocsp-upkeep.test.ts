import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storeAnswer } from '../../src/trust/revocation/ocsp-queries.ts';
import { forgetOldAnswers } from '../../src/trust/revocation/ocsp-stored.ts';
import { withDatabase } from '../support/database.ts';

const now = new Date('2026-03-01T12:00:00Z');
const daysAgo = (days: number): Date => new Date(now.getTime() - days * 24 * 3_600_000);

test('OCSP answers of certificates that nobody shows any more are forgotten after 30 days', async (t) => {
  const { db } = await withDatabase(t);
  for (const [certificate, at] of [
    ['aa'.repeat(32), daysAgo(29)],
    ['bb'.repeat(32), daysAgo(31)],
  ] as const) {
    const response = Buffer.from('answer');
    await db.query(
      storeAnswer({ certificate, source: 'cert-aia', response, thisUpdate: at, nextUpdate: undefined, at }),
    );
  }
  await forgetOldAnswers(db, now);
  const { rows } = await db.query<{ certificate: string }>({
    text: `select encode(certificate, 'hex') as certificate from ocsp_answers`,
  });
  assert.deepEqual(rows, [{ certificate: 'aa'.repeat(32) }]);
});
