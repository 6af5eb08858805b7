import type { FastifyReply } from 'fastify';
import type { Answer } from './call.ts';

/** Sends what a handler gave back. */
export function send(reply: FastifyReply, answer: Answer): FastifyReply {
  if (answer.location !== undefined) reply.header('location', answer.location);
  if (answer.body !== undefined) return sendJson(reply, answer.status, answer.body);
  return reply.code(answer.status).send();
}

/** `body` is JSON text. */
export function sendJson(reply: FastifyReply, status: number, body: string): FastifyReply {
  return reply.code(status).header('content-type', 'application/json').send(body);
}
