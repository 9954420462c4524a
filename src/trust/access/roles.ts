/** What one may do at the management door. A route names exactly one. */
export const permissions = [
  'devices:read',
  'devices:write',
  'devices:wake',
  'parameters:read',
  'parameters:reveal',
  'tasks:read',
  'tasks:write',
  'files:read',
  'files:write',
  /** What devices have sent: it may hold secrets. */
  'uploads:read',
  'decisions:read',
  'trust:read',
  'trust:write',
  'audit:read',
  'audit:sign',
  'keys:read',
  'keys:write',
  'metrics:read',
] as const;

export type Permission = (typeof permissions)[number];

const viewer: readonly Permission[] = [
  'devices:read',
  'parameters:read',
  'tasks:read',
  'files:read',
  'decisions:read',
  'trust:read',
  'metrics:read',
];
const operator: readonly Permission[] = [
  ...viewer,
  'devices:write',
  'devices:wake',
  'tasks:write',
  'files:write',
  'uploads:read',
];

/** The one table of who may do what. An auditor sees what was done and by whom, and nothing that subscribers told. */
export const roles = {
  viewer,
  operator,
  administrator: [
    ...operator,
    'parameters:reveal',
    'trust:write',
    'audit:read',
    'audit:sign',
    'keys:read',
    'keys:write',
  ],
  auditor: ['devices:read', 'decisions:read', 'trust:read', 'audit:read', 'keys:read'],
} as const satisfies Readonly<Record<string, readonly Permission[]>>;

export type Role = keyof typeof roles;

export const roleNames = Object.keys(roles) as readonly Role[];

export function mayDo(role: Role, permission: Permission): boolean {
  const granted: readonly Permission[] = roles[role];
  return granted.includes(permission);
}
