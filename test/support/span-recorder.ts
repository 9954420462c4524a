/** The least that an OpenTelemetry SDK does: keeps every span with its parent, and the active one over awaits. */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Attributes,
  type Context,
  type ContextManager,
  context,
  ROOT_CONTEXT,
  type Span,
  type SpanOptions,
  type SpanStatus,
  type Tracer,
  trace,
} from '@opentelemetry/api';

export interface RecordedSpan {
  readonly name: string;
  readonly parent: string | undefined;
  readonly attributes: Attributes;
  status: SpanStatus | undefined;
  ends: number;
}

/** Installs itself for the whole process; answers what was recorded, and how to be gone. */
export function recordSpans(): { readonly spans: readonly RecordedSpan[]; stop(): void } {
  const spans: RecordedSpan[] = [];
  const byId = new Map<string, RecordedSpan>();
  let made = 0;
  const startSpan = (name: string, options: SpanOptions = {}, within: Context = context.active()): Span => {
    const parent = trace.getSpan(within)?.spanContext().spanId;
    const recorded: RecordedSpan = {
      name,
      parent: parent === undefined ? undefined : byId.get(parent)?.name,
      attributes: { ...options.attributes },
      status: undefined,
      ends: 0,
    };
    made += 1;
    const spanId = made.toString(16).padStart(16, '0');
    byId.set(spanId, recorded);
    spans.push(recorded);
    return spanOf(recorded, spanId);
  };
  const tracer = {
    startSpan,
    startActiveSpan: (name: string, ...rest: unknown[]) => {
      const run = rest.at(-1) as (span: Span) => unknown;
      const span = startSpan(name, rest.length > 1 ? (rest[0] as SpanOptions) : {});
      return context.with(trace.setSpan(context.active(), span), () => run(span));
    },
  } as Tracer;
  context.setGlobalContextManager(contextManager());
  trace.setGlobalTracerProvider({ getTracer: () => tracer });
  return {
    spans,
    stop: () => {
      trace.disable();
      context.disable();
    },
  };
}

function spanOf(recorded: RecordedSpan, spanId: string): Span {
  const span: Span = {
    spanContext: () => ({ traceId: '1'.repeat(32), spanId, traceFlags: 1 }),
    setAttribute: (key, value) => span.setAttributes({ [key]: value }),
    setAttributes: (attributes) => {
      Object.assign(recorded.attributes, attributes);
      return span;
    },
    addEvent: () => span,
    addLink: () => span,
    addLinks: () => span,
    setStatus: (status) => {
      recorded.status = status;
      return span;
    },
    updateName: () => span,
    end: () => {
      recorded.ends += 1;
    },
    isRecording: () => true,
    recordException: () => undefined,
  };
  return span;
}

function contextManager(): ContextManager {
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, fn, self, ...args) => storage.run(active, () => fn.apply(self as never, args)),
    bind: (_context, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}
