import { z } from 'zod';
import { connectionRequests } from './connection-requests-schema.ts';
import { files } from './files-schema.ts';
import { management } from './management-schema.ts';
import { duration, name, port } from './value-schemas.ts';

/** Two labels at least: an anchor that may speak for all of `com` may speak for anyone. */
const realm = z
  .string()
  .toLowerCase()
  .max(253)
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$/,
    'write a domain name of two labels or more, without wildcard and without a dot at either end: hnb.vendor.example',
  );

const identityRuleNames = ['san-dns-hnb', 'cn-hnb-fqdn', 'cn-oui-serial'] as const;

const anchor = z.strictObject({
  name,
  /** PEM files; each may hold several certificates. */
  certificates: z.array(z.string().min(1)).min(1),
  kind: z.enum(['manufacturer', 'operator']).default('manufacturer'),
  identity: z.array(z.enum(identityRuleNames)).min(1).default(['san-dns-hnb', 'cn-hnb-fqdn', 'cn-oui-serial']),
  /** Realms this anchor may speak for, matched label by label from the right. Empty: every FQDN identity is refused. */
  realms: z.array(realm).default([]),
  /** Names of anchors that may claim the same realm. */
  sharesRealmsWith: z.array(name).default([]),
  registration: z.enum(['known-only', 'quarantine', 'auto']).default('known-only'),
  /** OUIs that `registration: auto` may create; new records an hour, also for `registration: quarantine`. */
  autoRegistration: z
    .strictObject({
      ouis: z.array(z.string().regex(/^[0-9A-Fa-f]{6}$/, 'write six hexadecimal digits')).default([]),
      perHour: z.int().min(1).default(100),
    })
    .prefault({}),
  /** Default: hold for manufacturers' anchors, admit for the operator's. */
  onNewKey: z.enum(['hold', 'admit', 'refuse']).optional(),
  /**
   * What the identity of a manufacturer is good for once its device has come with one of the operator's PKI
   * (TS 33.320 7.2.2): still for every door, for those of role initial, or for none.
   */
  afterEnrolment: z.enum(['accept', 'initial-only', 'refuse']).default('accept'),
  sharedSecret: z.enum(['refuse', 'ignore']).default('refuse'),
  acceptExpiredAnchor: z.boolean().default(false),
  /**
   * What connection requests to its devices may stand on: certificates (or nothing, inside the tunnel), or HTTP digest
   * besides, a shared secret and so a deviation from TS 33.320 8.3.4.
   */
  connectionRequest: z.enum(['certificate', 'digest']).default('certificate'),
  profile: z.enum(['hems', 'rfc5280']).default('hems'),
  /** Per rule of the profile: refuse, warn or off. */
  rules: z.record(z.string(), z.enum(['refuse', 'warn', 'off'])).default({}),
});

/** OCSP answers for the listener's own certificates, sent along with them (RFC 6066 8). */
const stapling = z.strictObject({
  /** Default: on, but for role initial, where devices may have no true time. */
  enabled: z.boolean().optional(),
  /** Default: the responders that each certificate names. */
  responder: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
  /** Forward proxy to the responder. */
  proxy: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
  timeout: duration.prefault('10s'),
});

const listener = z.strictObject({
  name,
  address: z.string().default('127.0.0.1'),
  port: port.default(7547),
  /** What devices are told to call; https only (TS 33.320 8.3.4). */
  publicUrl: z.url({ protocol: /^https$/, error: 'must be an https URL (TS 33.320 8.3.4)' }),
  role: z.enum(['initial', 'serving']).default('serving'),
  profile: z.enum(['modern', 'legacy-rel12']).default('modern'),
  /** OpenSSL cipher string; judged suite by suite before the server starts. */
  ciphers: z.string().min(1).optional(),
  /** Offer finite-field DHE (at least 2048 bits) besides ECDHE. */
  dhe: z.boolean().default(false),
  certificates: z.array(z.strictObject({ chain: z.string().min(1), key: z.string().min(1) })).min(1),
  stapling: stapling.prefault({}),
  anchors: z.array(name).min(1),
});

const limits = z.strictObject({
  handshakesInFlight: z.int().min(1).default(512),
  handshakesInFlightPerAddress: z.int().min(1).default(64),
  handshakeTime: duration.prefault('10s'),
  /** Refused handshakes an address block may make in a minute before it is turned away unread. */
  failuresPerAddress: z.int().min(1).default(600),
  connections: z.int().min(1).default(20_000),
  /** Connections of one device at a door; one more closes the one that has been idle longest. */
  connectionsPerDevice: z.int().min(1).max(10_000).default(64),
  /** Informs of one device in a minute, at a door of a node; what exceeds them is told to come again (503). */
  informsPerMinute: z.int().min(1).max(1_000_000).default(6000),
  headerBytes: z.int().min(1024).max(1_048_576).default(16_384),
  headerTime: duration.prefault('15s'),
  /** A message that nobody asked for: an Inform, a request of the device. TR-069 3.5 asks for 32 KiB at least. */
  requestBytes: z
    .int()
    .min(32_768)
    .max(256 * 1024 * 1024)
    .default(1024 * 1024),
  /** The answer to a request of ours, which TR-069 does not bound. Both before and after inflation. */
  bodyBytes: z
    .int()
    .min(32_768)
    .max(256 * 1024 * 1024)
    .default(16 * 1024 * 1024),
  bodyTime: duration.prefault('60s'),
  idleTime: duration.prefault('75s'),
  sessionTime: duration.prefault('10m'),
  sessions: z.int().min(1).default(20_000),
  /** Requests that the ACS sends in one session; what is left waits for the next one. */
  requestsPerSession: z.int().min(1).max(100_000).default(1000),
});

const audit = z.strictObject({
  /** Prefix length of the block by which IPv4 strangers are counted; IPv6 strangers are counted by /64. */
  ipv4Block: z.union([z.literal(32), z.literal(24)]).default(32),
  /** Full rows a minute for each (source block, reason) of strangers; the rest become one summary row. */
  strangerRowsPerMinute: z.int().min(1).default(10),
  /** Full rows a minute for all strangers together. */
  strangerRowsPerMinuteTotal: z.int().min(1).default(300),
  /** Full rows a minute for refusals of one verified known identity. */
  knownRowsPerMinute: z.int().min(1).default(60),
  /** How often the ends of the audit's chains are signed; needs HEMS_SECRET_KEY. */
  checkpointEvery: duration.prefault('1h'),
  /** Signed checkpoints go here too, one JSON line each. */
  checkpointFile: z.string().min(1).optional(),
  /** And here: udp://HOST:PORT (RFC 5426). */
  checkpointSyslog: z
    .string()
    .regex(/^udp:\/\/[^/\s]+$/, 'write udp://HOST:PORT')
    .optional(),
});

/** See `NotificationRule` of the fleet. */
const notificationRule = z.strictObject({
  parameters: z
    .string()
    .max(256)
    .regex(/^(?:\*\*?\.)?[A-Za-z][\w.[\]-]*$/, 'write a path, *.FaultMgmt.ExpeditedEvent. or **.OpState'),
  notification: z.enum(['off', 'passive', 'active']),
});

/** What a model cannot bear; docs/quirks.md. */
const model = z.strictObject({
  match: z.strictObject({
    manufacturer: z.string().min(1).max(64).optional(),
    oui: z
      .string()
      .regex(/^[0-9A-Fa-f]{6}$/, 'write six hexadecimal digits')
      .optional(),
    productClass: z.string().min(1).max(64).optional(),
  }),
  valuesPerRequest: z.int().min(1).max(1000).default(256),
  namesLevelByLevel: z.boolean().default(false),
  typedValues: z.boolean().default(true),
  emptyAnswer: z.literal([200, 204]).default(204),
});

/** Processes beyond that would stand in each other's way, and in that of the database. */
export const mostWorkers = 64;

export const configSchema = z.strictObject({
  dataDir: z.string().min(1).default('./var'),
  /** Processes of `hems serve` that share the doors of this host; auto: one for each core. docs/workers.md. */
  workers: z.union([z.int().min(1).max(mostWorkers), z.literal('auto')]).default(1),
  /** Without a URL the embedded Postgres of the data directory is used (only with --dev, demo and the tools). */
  database: z
    .strictObject({
      url: z.string().min(1).optional(),
      poolSize: z.int().min(1).max(200).default(10),
      /** The server works as this role, of which the user of the URL is a member; docs/database.md. */
      role: z
        .string()
        .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'write the name of a role: lower-case letters, digits and "_"')
        .optional(),
    })
    .prefault({}),
  /** 32 bytes in base64 or hexadecimal, several separated by commas: wraps secrets at rest. Better by HEMS_SECRET_KEY. */
  secretKey: z.string().min(1).optional(),
  management: management.prefault({}),
  listeners: z.array(listener).min(1),
  anchors: z.array(anchor).min(1),
  secondLock: z.enum(['enforce', 'count', 'off']).default('count'),
  /** A full handshake at least this often (at most 24 h); also the life of a ticket key (at most 12 h). */
  maxResumptionAge: duration.prefault('12h'),
  limits: limits.prefault({}),
  audit: audit.prefault({}),
  /** Changes that devices are asked to tell by themselves; `femtocell`: alarms and the states of the cell. */
  notifications: z.union([z.enum(['off', 'femtocell']), z.array(notificationRule).max(50)]).default('femtocell'),
  models: z.array(model).max(200).default([]),
  metrics: z
    .strictObject({
      /** ProductClasses that metrics tell apart; the Informs of all others are counted as `other`. */
      models: z.array(z.string().min(1).max(64)).max(100).default([]),
    })
    .prefault({}),
  /** strict: no start with a setting that is weaker than a clause of TS 33.320; `hems compliance` names them. */
  compliance: z.enum(['report', 'strict']).default('report'),
  files: files.prefault({}),
  connectionRequests: connectionRequests.prefault({}),
  log: z
    .strictObject({ level: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info') })
    .prefault({}),
});

/** For the tools, which need the database and, some of them, the anchors, but open no door. */
export const toolSchema = configSchema.extend({
  listeners: z.array(listener).default([]),
  anchors: z.array(anchor).default([]),
});

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;
export type AnchorConfig = Config['anchors'][number];
export type ListenerConfig = Config['listeners'][number];
export type LimitsConfig = Config['limits'];
export type ManagementConfig = Config['management'];
export type OidcConfig = NonNullable<ManagementConfig['oidc']>;
export type ClientCertificatesConfig = NonNullable<ManagementConfig['clientCertificates']>;
export type FilesConfig = Config['files'];
export type SlotConfig = FilesConfig['slots'][number];
export type AuditConfig = Config['audit'];
export type IdentityRuleName = (typeof identityRuleNames)[number];
