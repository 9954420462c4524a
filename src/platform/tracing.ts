import { type Attributes, context, INVALID_TRACEID, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { hemsVersion } from './version.ts';

export type { Attributes, Span };

/**
 * OpenTelemetry through its API alone: the operator brings the SDK (docs/tracing.md), and without one every call here
 * does nothing. Attributes are ids, names and words of closed sets; no text of a peer, no parameter, no secret.
 */
const tracer = trace.getTracer('hems', hemsVersion);

/** A span that nobody's SDK has made: it tells nothing, nor do those below it. */
function isNobodys(span: Span): boolean {
  return span.spanContext().traceId === INVALID_TRACEID;
}

/** Runs the work in a span of its own, below the active one; an error marks it and goes on. */
export function inSpan<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T> {
  const span = tracer.startSpan(name, { attributes });
  if (isNobodys(span)) return work();
  return context.with(trace.setSpan(context.active(), span), async () => {
    try {
      return await work();
    } catch (error) {
      fail(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

/** What went wrong by its kind alone: messages of a database or a peer may hold anything. */
function fail(span: Span, error: unknown): void {
  const message = error instanceof Error ? error.name : 'error';
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

/** A span that outlives the call, such as a session over several requests; whoever starts it ends it. */
export function startSpan(name: string, attributes: Attributes, parent?: Span): Span {
  const below = parent === undefined ? context.active() : trace.setSpan(context.active(), parent);
  return tracer.startSpan(name, { attributes }, below);
}

/** Runs the work with `span` as the active one. */
export function withinSpan<T>(span: Span | undefined, work: () => Promise<T>): Promise<T> {
  return span === undefined || isNobodys(span) ? work() : context.with(trace.setSpan(context.active(), span), work);
}

/** Adds to the active span, if there is one. */
export function annotate(attributes: Attributes): void {
  trace.getActiveSpan()?.setAttributes(attributes);
}
