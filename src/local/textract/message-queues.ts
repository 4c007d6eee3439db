import { createHash, randomUUID } from "node:crypto";
import { join } from "node:path";
import { openCompacted } from "./compact-lines.ts";

/** A message as a receiver gets it. */
export interface ReceivedMessage {
  messageId: string;
  /** Of this receipt; any of a message's handles deletes it. */
  receiptHandle: string;
  body: string;
  /** Hexadecimal. */
  md5OfBody: string;
  /** Milliseconds since 1970. */
  sentAt: number;
  receiveCount: number;
}

/** Queues that deliver at least once, as SQS' standard ones do. A queue is there as soon as somebody names it. */
export interface MessageQueues {
  /** The message is on the disk when this resolves. @returns the message's id */
  send(queue: string, body: string): Promise<string>;
  /** Waits for a message until one is visible, the time is over, or the signal says that nobody waits any more. */
  receive(
    queue: string,
    options: { maximum: number; waitMilliseconds: number; visibilityMilliseconds: number; signal: AbortSignal },
  ): Promise<ReceivedMessage[]>;
  /** A message that is gone already is no error. @returns false for a handle that none of these queues gave */
  delete(queue: string, receiptHandle: string): Promise<boolean>;
  count(queue: string): { visible: number; inFlight: number };
  close(): Promise<void>;
}

interface Message {
  messageId: string;
  body: string;
  sentAt: number;
  visibleAt: number;
  receiveCount: number;
}

type QueueEvent =
  | { event: "sent"; queue: string; messageId: string; body: string; sentAt: number }
  | { event: "deleted"; queue: string; messageId: string };

// SQS' own default.
const retentionMilliseconds = 4 * 24 * 3600 * 1000;
/** Of one queue; the oldest make room. */
const maxMessages = 100_000;

/** Opens the queues of a folder. After a restart every message that was not deleted is visible again. */
export async function openMessageQueues(folder: string): Promise<MessageQueues> {
  const queues = new Map<string, Map<string, Message>>();
  const waiting = new Set<() => void>();
  const journal = await openCompacted(
    join(folder, "messages.jsonl"),
    (event) => apply(event as QueueEvent),
    () => [...queues].flatMap(([queue, messages]) => [...messages.values()].map((message) => sent(queue, message))),
  );
  const record = async (event: QueueEvent) => {
    await journal.append(event);
    apply(event);
  };

  return {
    async send(queue, body) {
      const messageId = randomUUID();
      await record({ event: "sent", queue, messageId, body, sentAt: Date.now() });
      for (const wake of waiting) wake();
      return messageId;
    },
    async receive(queue, { maximum, waitMilliseconds, visibilityMilliseconds, signal }) {
      const deadline = Date.now() + waitMilliseconds;
      for (;;) {
        const taken = take(queue, maximum, visibilityMilliseconds);
        const left = deadline - Date.now();
        if (taken.length > 0 || left <= 0 || signal.aborted) return taken;
        await nextChange(Math.min(left, nextVisible(queue)), signal);
      }
    },
    async delete(queue, receiptHandle) {
      const messageId = /^([0-9a-f-]{36})\/\d+$/.exec(receiptHandle)?.[1];
      if (messageId === undefined) return false;
      if (messagesOf(queue).has(messageId)) await record({ event: "deleted", queue, messageId });
      return true;
    },
    count(queue) {
      const messages = [...messagesOf(queue).values()];
      const visible = messages.filter(({ visibleAt }) => visibleAt <= Date.now()).length;
      return { visible, inFlight: messages.length - visible };
    },
    close: () => journal.close(),
  };

  function apply(event: QueueEvent): void {
    const messages = messagesOf(event.queue);
    if (event.event === "deleted") {
      messages.delete(event.messageId);
      return;
    }
    const { messageId, body, sentAt } = event;
    messages.set(messageId, { messageId, body, sentAt, visibleAt: 0, receiveCount: 0 });
    for (const [id, oldest] of messages) {
      if (messages.size <= maxMessages && oldest.sentAt + retentionMilliseconds > Date.now()) break;
      messages.delete(id);
    }
  }

  function messagesOf(queue: string): Map<string, Message> {
    const messages = queues.get(queue) ?? new Map<string, Message>();
    queues.set(queue, messages);
    return messages;
  }

  function take(queue: string, maximum: number, visibilityMilliseconds: number): ReceivedMessage[] {
    const now = Date.now();
    const taken: ReceivedMessage[] = [];
    for (const message of messagesOf(queue).values()) {
      if (taken.length === maximum) break;
      if (message.visibleAt > now) continue;
      message.visibleAt = now + visibilityMilliseconds;
      message.receiveCount++;
      const { messageId, body, sentAt, receiveCount } = message;
      const md5OfBody = createHash("md5").update(body).digest("hex");
      taken.push({ messageId, receiptHandle: `${messageId}/${receiveCount}`, body, md5OfBody, sentAt, receiveCount });
    }
    return taken;
  }

  /** Milliseconds until a message that was received and not deleted is visible again. */
  function nextVisible(queue: string): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { visibleAt } of messagesOf(queue).values()) next = Math.min(next, visibleAt - Date.now());
    return Math.max(1, next);
  }

  function nextChange(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      waiting.add(done);
      signal.addEventListener("abort", done);
    });
  }
}

function sent(queue: string, { messageId, body, sentAt }: Message): QueueEvent {
  return { event: "sent", queue, messageId, body, sentAt };
}
