import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Facts } from '../revocation/facts.ts';
import { type Deviation, type DeviationName, deviationKinds, deviationsOf } from './deviations.ts';
import { hostGauge } from '../../platform/host-gauge.ts';

export interface StandingDeps {
  readonly config: Pick<Config, 'listeners' | 'anchors' | 'compliance'>;
  readonly mode: 'development' | 'production';
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** What is known of the revocation policy now. */
  readonly facts: () => Pick<Facts, 'policy' | 'override'> | undefined;
}

/** Which settings of this node are weaker than a clause, as of now: the policy may change while it runs. */
export interface Standing {
  deviations(): readonly Deviation[];
}

/** A fault of the configuration for `compliance: strict`. */
export interface StrictFault {
  readonly key: string;
  readonly cause: string;
  readonly remedy: string;
}

export function createStanding(deps: StandingDeps): Standing {
  const { config, mode, clock } = deps;
  const deviations = (): readonly Deviation[] => {
    const known = deps.facts();
    const until = known?.override?.until;
    const relaxed = until !== undefined && until > clock.now() ? { overriddenUntil: until } : {};
    return deviationsOf({ config, mode, policy: known?.policy?.document, ...relaxed });
  };
  const found = deviations();
  for (const { name, clause, meaning, where } of found)
    deps.logger.warn({ deviation: name, clause, where }, `weaker than the clause: ${meaning}`);
  show(deps.metrics, () => new Set(deviations().map(({ name }) => name)));
  return { deviations };
}

/** Every deviation as a fault that forbids the start; none unless the configuration says `strict`. */
export function strictFaults({ config }: Pick<StandingDeps, 'config'>, standing: Standing): readonly StrictFault[] {
  if (config.compliance !== 'strict') return [];
  return standing.deviations().map(({ name, clause, meaning, where, remedy }) => ({
    key: where.join(', '),
    cause: `${meaning} (${clause}; ${name}), and compliance is strict`,
    remedy: `${remedy}; or compliance: report`,
  }));
}

function show(registry: Registry, active: () => ReadonlySet<DeviationName>): void {
  hostGauge({
    name: 'hems_deviation_active',
    help: '1 while a setting of this node is weaker than a clause of TS 33.320; hems compliance names it',
    aggregator: 'max',
    labelNames: ['deviation'] as const,
    registers: [registry],
    collect() {
      const now = active();
      for (const { name } of deviationKinds) this.set({ deviation: name }, now.has(name) ? 1 : 0);
    },
  });
}
