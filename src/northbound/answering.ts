import type { FastifyReply } from 'fastify';
import { type ProblemWords, problem, problemContentType } from './problem.ts';

export function sendProblem(reply: FastifyReply, status: number, words: ProblemWords = {}): FastifyReply {
  // Past every schema: a problem has one shape, whatever route it comes from.
  return reply.code(status).type(problemContentType).serializer(JSON.stringify).send(problem(status, words));
}
