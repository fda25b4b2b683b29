/** Whether a connection is still of use: looked at with every tick, never by a timer of its own. */
import { formatPaths } from '../protocol/encode.ts';
import { releaseLeg } from './binding.ts';
import type { SwitchContext } from './context.ts';
import type { Peer } from './peer.ts';

const NOT_PROBED = 0;

export class Liveness {
  readonly #context: SwitchContext;
  readonly #peer: Peer;
  #resumedMs = 0;
  #probedMs = NOT_PROBED;
  #probeDueMs = 0;
  #readsAtProbe = 0;
  #pingedMs = 0;

  constructor(context: SwitchContext, peer: Peer) {
    this.#context = context;
    this.#peer = peer;
  }

  /** A paused sender's answers lay unread: they count from when it is read again. */
  resumed(): void {
    this.#resumedMs = this.#context.round.nowMs;
  }

  /** Asks for a sign of life by a SEND without content. @param withinMs what the peer gets to answer */
  probe(withinMs: number): void {
    const peer = this.#peer;
    const leg = peer.legs.values().next().value;
    if (leg === undefined || this.#probedMs !== NOT_PROBED || peer.isPaused) return;
    this.#probedMs = this.#context.clock.nowMs();
    this.#probeDueMs = this.#probedMs + withinMs;
    this.#readsAtProbe = peer.connection.readCount;
    peer.sendEmpty(formatPaths(leg.boundFrom, leg.boundTo));
  }

  tick(nowMs: number): void {
    const { limits } = this.#context;
    const { connection, legs, isPaused } = this.#peer;
    if (connection.isClosed || connection.isEnding || isPaused) return;
    const silentMs = nowMs - connection.lastReadMs;
    const isIdle = silentMs > limits.idleMs && (legs.size === 0 || connection.isMidFrame);
    if (isIdle || this.#failedProbe(nowMs) || this.#failedPing(nowMs, silentMs)) {
      this.#context.counters.reaped++;
      connection.destroy('stalled');
    } else if (silentMs > limits.probeIdleMs) this.probe(limits.responseMs);
    else if (nowMs - this.#resumedMs > limits.responseMs) this.#dropSilent(nowMs - limits.responseMs);
  }

  #failedProbe(nowMs: number): boolean {
    if (this.#probedMs === NOT_PROBED || nowMs <= this.#probeDueMs) return false;
    this.#probedMs = NOT_PROBED;
    return this.#peer.connection.readCount === this.#readsAtProbe;
  }

  /** Proxies before a WebSocket close what is silent, and say nothing of a client that is gone. */
  #failedPing(nowMs: number, silentMs: number): boolean {
    const { link, lastReadMs } = this.#peer.connection;
    const { webPingMs } = this.#context.limits;
    if (link.ping === undefined || silentMs <= webPingMs) return false;
    // Asked in time or not: a switch that was held up itself may be late with the question.
    if (this.#pingedMs > lastReadMs) return nowMs - this.#pingedMs > webPingMs;
    this.#pingedMs = nowMs;
    link.ping();
    return false;
  }

  /** A recipient that left a SEND unanswered is gone for us (local 408, RFC 4975 section 7.1.1). */
  #dropSilent(beforeMs: number): void {
    const peer = this.#peer;
    for (;;) {
      const leg = peer.outstanding.overdue(beforeMs);
      if (leg === null) return;
      if (leg.peer === peer) {
        releaseLeg(this.#context, leg, 'stalled');
        return;
      }
      peer.outstanding.forgetFirst();
    }
  }
}
