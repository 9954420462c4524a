import { join } from 'node:path';
import type { PartialConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../platform/clock.ts';
import { createDevelopmentPki, type DevelopmentPki } from '../simulator/development-pki.ts';
import { developmentConfig } from './configuration.ts';

export interface Development {
  readonly config: Config;
  readonly pki: DevelopmentPki;
}

/** The doors and anchors of `--dev` and `demo`: loopback only, trusting the development PKI of the data directory. */
export function developmentDefaults(pki: DevelopmentPki): PartialConfig {
  return {
    // Everything of development is on this machine.
    connectionRequests: { networks: ['127.0.0.0/8', '::1/128'], forTasks: true },
    // Whoever tries hems out with a client of his own sees it asked for nothing that he did not ask for.
    notifications: 'off',
    listeners: [
      {
        name: 'cwmp',
        publicUrl: 'https://localhost/cwmp',
        certificates: [pki.server.ec, pki.server.rsa],
        anchors: pki.anchors.map(({ name }) => name),
      },
    ],
    anchors: pki.anchors.map((anchor) => ({ ...anchor, onNewKey: anchor.kind === 'operator' ? 'admit' : 'hold' })),
  };
}

/** Makes or takes up the development PKI, and the configuration that stands on it. */
export async function prepareDevelopment(clock: Clock, overrides: PartialConfig = {}): Promise<Development> {
  const dataDir = developmentDataDir(overrides);
  const pki = await createDevelopmentPki(join(dataDir, 'pki'), clock.now());
  return { pki, config: developmentConfig(developmentDefaults(pki), overrides) };
}

/** The data directory is needed before there is a PKI that the rest of the configuration names. */
function developmentDataDir(overrides: PartialConfig): string {
  const placeholder: PartialConfig = {
    listeners: [
      {
        name: 'cwmp',
        publicUrl: 'https://localhost/cwmp',
        certificates: [{ chain: 'x', key: 'x' }],
        anchors: ['none'],
      },
    ],
    anchors: [{ name: 'none', certificates: ['x'], registration: 'known-only' }],
  };
  return developmentConfig(placeholder, overrides).dataDir;
}
