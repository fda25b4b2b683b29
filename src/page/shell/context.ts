/** What every screen is given, and what a screen is. */
import type { TemplateResult } from 'lit-html';
import type { LiveModel } from '../live/live-model.ts';
import type { Api } from '../net/api.ts';
import { Problem } from '../net/problem.ts';
import type { Role, WhoAmI } from '../net/shapes.ts';
import type { Question } from './dialogs.ts';

export interface Context {
  readonly api: Api;
  readonly live: LiveModel;
  readonly who: WhoAmI;
  /** Draws with the next frame. */
  redraw(): void;
  /** `#/sessions/…` */
  go(hash: string): void;
  say(text: string, isBad?: boolean): void;
  /** Undefined: they thought better of it. */
  ask(question: Question): Promise<Readonly<Record<string, string>> | undefined>;
}

export interface Screen {
  readonly title: string;
  view(): TemplateResult;
  /** Something of this session was told. */
  onSession?(id: string): void;
  /** False keeps what was typed. */
  mayLeave?(): boolean;
  leave?(): void;
}

const ROLES: readonly Role[] = ['viewer', 'operator', 'admin'];

export function mayAct({ who }: Pick<Context, 'who'>, needed: Role): boolean {
  return ROLES.indexOf(who.role) >= ROLES.indexOf(needed);
}

/** Why a button is off. */
export function needs(context: Pick<Context, 'who'>, role: Role): string {
  return mayAct(context, role) ? '' : `This needs the role ${role}; you are ${context.who.role}.`;
}

/** Runs what an operator ordered; says what became of it. @returns whether it was done */
export async function carryOut(
  context: Context,
  done: string,
  order: () => Promise<unknown>,
): Promise<boolean> {
  try {
    await order();
    context.say(done);
    return true;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    context.say(`${error.message}. ${error.advice}`, true);
    return false;
  } finally {
    context.redraw();
  }
}
