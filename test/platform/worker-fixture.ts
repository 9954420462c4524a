/** What the pool of the tests runs: counts how often it was started and how far it came, and misbehaves on order. */
import { Counter, Gauge, Registry } from 'prom-client';
import { joinSupervisor } from '../../src/platform/workers/worker-link.ts';

export interface FixtureOrder {
  readonly does: 'serve' | 'fail' | 'hang' | 'end' | 'stay';
  readonly counts: number;
}

const link = joinSupervisor();
if (link === undefined) throw new Error('this is a worker');
const { worker, order } = await link.start;
const { does, counts } = order as FixtureOrder;
const registry = new Registry();
const registers = [registry];
new Counter({ name: 'done_total', help: 'done', registers }).inc(counts);
new Gauge({ name: 'open', help: 'open', aggregator: 'sum', registers }).set(10 * worker);
link.reports(registry);
link.onTold(({ tell }) => {
  if (tell === 'gone') process.exit(1);
  if (tell === 'reload') for (;;); // Hears and answers nothing any more.
  if (tell !== 'stop' || does === 'stay') return;
  void link.farewell(registry).then(() => process.exit(0));
});
if (does === 'fail') {
  await link.failed({ because: 'it is told to' });
  process.exit(1);
}
if (does === 'end') process.exit(7);
link.ready({ worker, page: does });
