import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { systemClock } from '../platform/clock.ts';
import type { EventBus } from '../platform/events.ts';
import type { Database } from '../platform/postgres.ts';
import type { RevocationServer } from '../simulator/revocation-server.ts';
import type { RevocationDesk } from '../simulator/scenarios/revocation.ts';
import { policySchema } from '../trust/revocation-policy.ts';
import { readCrl } from '../trust/revocation/crl-reader.ts';
import { applyWeighed, type DeskDeps, importCrl, type Unconfirmed } from '../trust/revocation/desk.ts';
import { currentPolicy } from '../trust/revocation/policy-store.ts';
import { lastChange } from '../trust/revocation/changes.ts';
import { parseCertificate } from '../x509/certificate.ts';
import type { DevelopmentPki } from '../simulator/development-pki.ts';
import { byOperator } from './operator.ts';
import { toolAnchors } from './revocation-access.ts';

export interface DemoDeskDeps {
  readonly db: Database;
  readonly events: EventBus;
  readonly logger: Logger;
  readonly pki: DevelopmentPki;
  readonly server: RevocationServer;
  readonly dataDir: string;
}

/** A person at the desk of the demo, who confirms whatever is asked; closing it brings back the policy that was. */
export async function createDemoDesk(deps: DemoDeskDeps): Promise<RevocationDesk & { close(): Promise<void> }> {
  const { db, events, logger, pki, server, dataDir } = deps;
  const paths = (await toolAnchors({ dataDir })).map(({ path }) => path);
  const complain = (error: unknown, message: string): void => logger.error({ err: error }, message);
  const desk: DeskDeps = { db, clock: systemClock, anchors: paths, readCrl, complain };
  const by = byOperator('the demo');
  let known = 0;
  const unsubscribe = events.subscribe((event) => {
    if (event.kind === 'revocation' && event.what === 'facts_changed') known = Math.max(known, Number(event.subject));
  });
  /** Notifications reach the server in its own time. */
  const settled = async (): Promise<void> => {
    const wanted = await lastChange(db);
    for (let waited = 0; known < wanted && waited < 10_000; waited += 10) await sleep(10);
  };
  const confirming = async <T extends { readonly ok: boolean }>(
    act: (confirmed?: number) => Promise<T | Unconfirmed>,
  ): Promise<void> => {
    const first = await act();
    const done = isUnconfirmed(first) ? await act(first.count) : first;
    if (!done.ok) throw new Error(JSON.stringify(done));
    await settled();
  };
  const applyContent = (content: unknown): Promise<void> => {
    const document = policySchema.parse(content);
    return confirming((confirmed) => applyWeighed(desk, { document, content }, by, { confirmed }));
  };
  const found = (await currentPolicy(db))?.content ?? { anchors: [] };
  const certificates = pki.authorities.map(({ certificate }) => parseCertificate(certificate));
  return {
    server,
    applyPolicy: (anchors) => applyContent({ anchors }),
    importCrl: (der) => confirming((confirmed) => importCrl(desk, { der, certificates }, by, confirmed)),
    close: async () => {
      // The data may be somebody's who goes on with it.
      await applyContent(found);
      unsubscribe();
    },
  };
}

function isUnconfirmed(result: { readonly ok: boolean }): result is Unconfirmed {
  return 'kind' in result && result.kind === 'unconfirmed';
}
