/** `parley demo`: the conversation itself is in demo.ts. */
import type { Arguments } from './command.ts';

export async function runDemoCommand(args: Arguments): Promise<number> {
  const { runDemo } = await import('./demo.ts');
  return runDemo(args);
}
