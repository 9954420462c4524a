import { isPersonal, isSecret, masked } from './secret-parameters.ts';

/** A wish or its result as people see it: passwords of transfers and values that are secret or personal are covered. */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  const name = 'name' in value && typeof value.name === 'string' ? value.name : undefined;
  const covered = name !== undefined && (isSecret(name) || isPersonal(name));
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => {
      const cover = key === 'password' || key === 'vouchers' || isSecret(key) || (key === 'value' && covered);
      return [key, cover || isPersonal(key) ? masked : withoutSecrets(part)];
    }),
  );
}
