import { createHash } from 'node:crypto';
import { z } from 'zod';
import { deviceStates } from '../../fleet/device.ts';
import type { DeviceSummary } from '../../fleet/listing.ts';
import type { DeviceFacts } from '../../fleet/listing-details.ts';
import { time } from '../values.ts';

/** A device in a list. */
export const deviceSchema = z.strictObject({
  id: z.uuid(),
  state: z.enum(deviceStates),
  stateSince: time,
  origin: z.enum(['operator', 'quarantine', 'auto']),
  registeredAt: time,
  oui: z.string().nullable(),
  productClass: z.string().nullable(),
  serialNumber: z.string().nullable(),
  serialProvenance: z.enum(['imported', 'learnt']).nullable(),
  note: z.string().nullable(),
  tags: z.array(z.string()),
  site: z.string().nullable(),
  replacedBy: z.uuid().nullable(),
  expiresAt: time
    .nullable()
    .describe('When the first of its identities has no valid approved certificate any more; null: none was seen.'),
  lastInformAt: time.nullable(),
  manufacturer: z.string().nullable(),
  softwareVersion: z.string().nullable(),
  identities: z.array(z.strictObject({ anchor: z.string(), value: z.string() })),
});

export const deviceFields = Object.keys(deviceSchema.shape);

export const certificateSchema = z.strictObject({
  fingerprint: z.string().describe('SHA-256 of the certificate.'),
  keyFingerprint: z.string().describe('SHA-256 of its SubjectPublicKeyInfo.'),
  anchor: z.string(),
  identity: z.string(),
  state: z.enum(['approved', 'held', 'refused']),
  subject: z.string(),
  issuer: z.string(),
  serialNumber: z.string(),
  notBefore: time,
  notAfter: time,
  firstSeen: time,
  lastSeen: time,
  decidedAt: time.nullable(),
  decidedBy: z.string().nullable(),
});

const contactSchema = z.strictObject({
  at: time,
  events: z.array(z.string()),
  listener: z.string(),
  remoteAddress: z.string().nullable(),
  cwmpVersion: z.string(),
  manufacturer: z.string(),
  oui: z.string(),
  productClass: z.string(),
  softwareVersion: z.string().nullable(),
  hardwareVersion: z.string().nullable(),
});

/** One device, with its newest certificates. */
export const deviceDetailsSchema = deviceSchema.extend({
  certificates: z.array(certificateSchema).describe('The newest twenty that it has shown.'),
  lastInform: contactSchema.nullable(),
});

export function deviceView(device: DeviceSummary): Record<string, unknown> {
  return {
    id: device.deviceId,
    state: device.state,
    stateSince: device.stateSince,
    origin: device.origin,
    registeredAt: device.registeredAt,
    oui: device.oui,
    productClass: device.productClass,
    serialNumber: device.serialNumber,
    serialProvenance: device.serialProvenance,
    note: device.note,
    tags: device.tags,
    site: device.site,
    replacedBy: device.replacedBy,
    expiresAt: device.expiresAt,
    lastInformAt: device.lastInformAt,
    manufacturer: device.manufacturer,
    softwareVersion: device.softwareVersion,
    identities: device.identities.map((text) => {
      const [anchor = '', ...value] = text.split(' ');
      return { anchor, value: value.join(' ') };
    }),
  };
}

export function deviceDetailsView(device: DeviceFacts): Record<string, unknown> {
  return { ...deviceView(device), certificates: device.certificates, lastInform: device.lastInform ?? null };
}

/** Strong (RFC 9110 8.8.1), of what people decide of a device; an Inform does not change it. */
export function etagOf(device: DeviceSummary): string {
  const { state, stateSince, note, tags, site, replacedBy, identities, oui, productClass, serialNumber } = device;
  const facts = [state, stateSince, note, tags, site, replacedBy, identities, oui, productClass, serialNumber];
  return `"${createHash('sha256').update(JSON.stringify(facts)).digest('base64url').slice(0, 22)}"`;
}
