import type { LoadOptions } from '../../src/config/load.ts';

/** The least that a configuration must say. */
export const leastConfig = {
  listeners: [
    {
      name: 'dev',
      publicUrl: 'https://localhost:7547/cwmp',
      certificates: [{ chain: 'c.pem', key: 'k.pem' }],
      anchors: ['acme'],
    },
  ],
  anchors: [{ name: 'acme', certificates: ['a.pem'], realms: ['hnb.acme.example'] }],
} satisfies LoadOptions['defaults'];
