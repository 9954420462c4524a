import pg from 'pg';
import type { Logger } from 'pino';

export type LinkHandler = (state: 'up' | 'down') => void;

interface Subscription {
  readonly channel: string;
  readonly handler: (payload: string) => void;
  readonly onLink: LinkHandler | undefined;
}

export interface ListeningDeps {
  readonly settings: pg.ClientConfig;
  readonly explain: (error: unknown) => unknown;
  readonly logger?: Logger;
}

export interface Listening {
  listen(channel: string, handler: (payload: string) => void, onLink?: LinkHandler): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** A peer that vanished without a word is noticed within these two together: before facts that it confirmed are 5 s old. */
const heartbeatEvery = 2000;
const heartbeatWithin = 2500;
const longestPause = 5000;

interface State {
  readonly deps: ListeningDeps;
  readonly subscriptions: Set<Subscription>;
  client: pg.Client | undefined;
  connecting: Promise<pg.Client> | undefined;
  retry: NodeJS.Timeout | undefined;
  closed: boolean;
  /** The last query, settled or not. */
  turn: Promise<unknown>;
}

/** One connection for all channels of a pool, made at the first `listen`, remade with growing pauses when lost. */
export function createListening(deps: ListeningDeps): Listening {
  const state: State = {
    deps,
    subscriptions: new Set(),
    client: undefined,
    connecting: undefined,
    retry: undefined,
    closed: false,
    turn: Promise.resolve(),
  };
  return {
    listen: async (channel, handler, onLink) => {
      const subscription: Subscription = { channel, handler, onLink };
      state.subscriptions.add(subscription);
      try {
        const client = await connected(state);
        await inTurn(state, client, `listen ${pg.escapeIdentifier(channel)}`);
      } catch (error) {
        state.subscriptions.delete(subscription);
        throw deps.explain(error);
      }
      return () => unlisten(state, subscription);
    },
    close: async () => {
      state.closed = true;
      clearTimeout(state.retry);
      state.subscriptions.clear();
      await state.connecting?.catch(() => undefined);
      await state.client?.end().catch(() => undefined);
    },
  };
}

async function unlisten(state: State, subscription: Subscription): Promise<void> {
  state.subscriptions.delete(subscription);
  const needed = [...state.subscriptions].some(({ channel }) => channel === subscription.channel);
  if (needed || state.client === undefined) return;
  await inTurn(state, state.client, `unlisten ${pg.escapeIdentifier(subscription.channel)}`).catch(() => undefined);
}

/** One after the other: a connection does not take a second query while it is at the first. */
function inTurn(state: State, client: pg.Client, text: string): Promise<unknown> {
  const asked = state.turn.then(() => client.query(text));
  state.turn = asked.catch(() => undefined);
  return asked;
}

function connected(state: State): Promise<pg.Client> {
  if (state.client !== undefined) return Promise.resolve(state.client);
  state.connecting ??= connect(state).finally(() => {
    state.connecting = undefined;
  });
  return state.connecting;
}

async function connect(state: State): Promise<pg.Client> {
  const client = new pg.Client({ ...state.deps.settings, query_timeout: heartbeatWithin });
  client.on('notification', ({ channel, payload }) => deliver(state, channel, payload ?? ''));
  client.on('error', () => undefined);
  await client.connect();
  const channels = new Set([...state.subscriptions].map(({ channel }) => channel));
  for (const channel of channels) await client.query(`listen ${pg.escapeIdentifier(channel)}`);
  const beat = setInterval(() => {
    inTurn(state, client, 'select 1').catch(() => lost(state, client, beat));
  }, heartbeatEvery);
  client.once('end', () => lost(state, client, beat));
  state.client = client;
  return client;
}

function deliver(state: State, channel: string, payload: string): void {
  for (const subscription of state.subscriptions) {
    if (subscription.channel !== channel) continue;
    guarded(state, () => subscription.handler(payload));
  }
}

function tell(state: State, link: 'up' | 'down'): void {
  for (const { onLink } of state.subscriptions) if (onLink !== undefined) guarded(state, () => onLink(link));
}

function guarded(state: State, fn: () => void): void {
  try {
    fn();
  } catch (error) {
    state.deps.logger?.error({ err: error }, 'a notification handler failed');
  }
}

function lost(state: State, client: pg.Client, beat: NodeJS.Timeout): void {
  clearInterval(beat);
  if (state.client !== client) return;
  state.client = undefined;
  client.end().catch(() => undefined);
  if (state.closed) return;
  state.deps.logger?.warn('notifications from the database are interrupted');
  tell(state, 'down');
  reconnect(state, 50);
}

function reconnect(state: State, pause: number): void {
  state.retry = setTimeout(() => {
    connected(state).then(
      () => {
        state.deps.logger?.info('notifications from the database arrive again');
        tell(state, 'up');
      },
      () => {
        if (!state.closed) reconnect(state, Math.min(pause * 2, longestPause));
      },
    );
  }, pause);
}
