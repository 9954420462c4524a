import { strangersText } from '../../fleet/strangers-text.ts';
import { insertSubjectChange, type SubjectChange } from '../../fleet/subject-changes-queries.ts';
import type { Query } from '../../platform/postgres.ts';
import type { ApiKey } from './api-keys.ts';

const columns = `id, name, role, device_group as "group", created_at as "createdAt", created_by as "createdBy",
  expires_at as "expiresAt", revoked_at as "revokedAt", last_used_at as "lastUsedAt"`;

/** Answers no row where a key in force has the name. */
export function insertKey(key: ApiKey, secretHash: Buffer): Query {
  return {
    text: `insert into api_keys (id, name, secret_hash, role, device_group, created_at, created_by, expires_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8)
           on conflict (name) where revoked_at is null do nothing returning id`,
    values: [
      key.id,
      key.name,
      secretHash,
      key.role,
      key.group,
      key.createdAt,
      strangersText(key.createdBy, 512),
      key.expiresAt,
    ],
  };
}

export function keyById(id: string): Query {
  return {
    name: 'trust_api_key',
    text: `select ${columns}, secret_hash as "secretHash" from api_keys where id = $1`,
    values: [id],
  };
}

/** Of keys in force, those used last first. */
export function knownSecrets(limit: number): Query {
  return {
    name: 'trust_known_secrets',
    text: `select id, secret_hash as "secretHash" from api_keys where revoked_at is null
            order by last_used_at desc nulls last limit $1`,
    values: [limit],
  };
}

/** By id, or by the name of one in force. */
export function findKeys(text: string): Query {
  return {
    text: `select ${columns} from api_keys where id = $1 or (name = $1 and revoked_at is null) for update`,
    values: [text],
  };
}

export function listKeys(after: string | undefined, limit: number): Query {
  return {
    text: `select ${columns} from api_keys where id > $1 order by id limit $2`,
    values: [after ?? '', limit],
  };
}

export function revokeKey(id: string, at: Date): Query {
  return { text: 'update api_keys set revoked_at = $2 where id = $1 and revoked_at is null', values: [id, at] };
}

export function markUsed(id: string, at: Date): Query {
  return { name: 'trust_api_key_used', text: 'update api_keys set last_used_at = $2 where id = $1', values: [id, at] };
}

export type AccessAction = 'key_created' | 'key_revoked' | 'checkpoint_made';

/** `subject`: the id of the key, or the number of the checkpoint. */
export function insertAccessChange(change: SubjectChange<AccessAction>): Query {
  return insertSubjectChange('access_changes', change);
}
