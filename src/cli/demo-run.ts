import { setTimeout as sleep } from 'node:timers/promises';
import type { AdmissionEvent, EventBus } from '../platform/events.ts';
import { describeObservation, judgeStep } from '../simulator/scenarios/judging.ts';
import {
  notTaken,
  type Observation,
  type Scenario,
  type ScenarioContext,
  type Step,
} from '../simulator/scenarios/scenario.ts';

/** One connection of the demo: what should have happened, what the client saw, what the server decided. */
export interface StepOutcome {
  readonly scenario: string;
  readonly step: string;
  readonly door: string;
  readonly decision: 'admitted' | 'refused' | 'none';
  readonly reason?: string;
  readonly detail?: string;
  readonly peer?: string;
  readonly tlsVersion?: string;
  readonly client: string;
  /** In words; none: as expected. */
  readonly differences: readonly string[];
}

const atOnce = 4;
/** An event is published within the turn of its decision; the client may see its side first. */
const decisionWithinMs = 3000;

export async function runScenarios(
  scenarios: readonly Scenario[],
  context: ScenarioContext,
  events: EventBus,
  onStep: (outcome: StepOutcome) => void,
  sideBySide = atOnce,
): Promise<readonly StepOutcome[]> {
  const decisions: AdmissionEvent[] = [];
  const unsubscribe = events.subscribe((event) => {
    if (event.kind === 'admission') decisions.push(event);
  });
  const queue = [...scenarios];
  const outcomes: StepOutcome[] = [];
  const worker = async (): Promise<void> => {
    for (let scenario = queue.shift(); scenario !== undefined; scenario = queue.shift()) {
      const played = await playScenario(scenario, context, decisions);
      for (const outcome of played) onStep(outcome);
      outcomes.push(...played);
    }
  };
  await Promise.all(Array.from({ length: sideBySide }, worker));
  unsubscribe();
  return outcomes;
}

async function playScenario(
  scenario: Scenario,
  context: ScenarioContext,
  decisions: readonly AdmissionEvent[],
): Promise<StepOutcome[]> {
  const seen = await scenario.run(context).catch((error: unknown) => [notTaken(String(error))]);
  const outcomes: StepOutcome[] = [];
  for (const [index, step] of scenario.steps.entries())
    outcomes.push(await judged(scenario, step, seen[index] ?? notTaken('the step before failed'), decisions));
  return outcomes;
}

async function judged(
  scenario: Scenario,
  step: Step,
  seen: Observation,
  decisions: readonly AdmissionEvent[],
): Promise<StepOutcome> {
  const deadline = performance.now() + decisionWithinMs;
  const find = (): AdmissionEvent[] =>
    decisions.filter(({ listener, remotePort }) => listener === step.door && seen.localPorts.includes(remotePort));
  let recorded = find();
  while (judgeStep(step, seen, recorded).length > 0 && performance.now() < deadline) {
    await sleep(20);
    recorded = find();
  }
  const telling = recorded.find(({ outcome }) => outcome === 'refused') ?? recorded[0];
  return {
    scenario: scenario.title,
    step: step.label,
    door: step.door,
    decision: telling?.outcome ?? 'none',
    ...(telling?.reason !== undefined && { reason: telling.reason }),
    ...(telling?.detail !== undefined && { detail: telling.detail }),
    ...(telling?.peer !== undefined && { peer: telling.peer }),
    ...(telling?.tlsVersion !== undefined && { tlsVersion: telling.tlsVersion }),
    client: describeObservation(seen),
    differences: judgeStep(step, seen, recorded),
  };
}
